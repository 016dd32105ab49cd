"The rules that signatures state: what they take, what they refuse, and what the refusal says"
import math, pickle, re, time, typing
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn
from cnn_notes.checks import (Annotated, FigureSize, FilePath, Float, Int, LayerName, Literal, NonNegativeInt, NonNegativePair, Num,
                              PositiveInt, PositivePair, Sides, centered, checked, described, finite, has_values,
                              movable, nonempty, one_or_two, pair, real, rule_of, whole)
from cnn_notes.geometry import Window

@checked
def everything(
    n:int=0, # any whole number
    ks:PositivePair=1, # of the kernel
    lr:float=.1, # the rate
    flag:bool=False,
    how:Literal['a', 'b']='a',
    act:Callable|None=None,
    size:FigureSize|None=None,
    path:FilePath|None=None,
    layer:LayerName|None=None,
    **others,
): return n,ks,lr,flag,how,act,size,path,layer

@checked
def convolve(x:Float[Tensor, 'n c h w'], weight:Float[Tensor, 'nf c kh kw'], labels:Int[Tensor, 'n']|None=None): return x

class TestWhole:
    @pytest.mark.parametrize('v', [3, np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.uint8)])
    def test_takes_every_kind_of_integer_and_gives_pythons(self, v):
        assert everything(n=v)[0] == 3 and type(everything(n=v)[0]) is int

    @pytest.mark.parametrize('v', [True, False, np.True_, torch.tensor(True), 3., np.float32(3), '3', None, [3], (3,), torch.tensor([3]),
                                   np.array([3]), 3j, int, math.nan, math.inf, torch.tensor(3, device='meta')])
    def test_refuses_what_is_none(self, v):
        with pytest.raises(TypeError, match=r'^everything: n is .*; give a whole number \(any whole number\)$'): everything(n=v)

    @given(st.integers(-50, 50), st.integers(-20, 20), st.integers(-20, 20))
    def test_limits(self, v, low, high):
        rule = whole(low, high)
        if low <= v <= high: assert rule(v) == v
        else: pytest.raises(ValueError, rule, v)

class TestReal:
    @pytest.mark.parametrize('v', [.5, 1, np.float32(.5), torch.tensor(.5), np.array(.5), Fraction(1, 2)])
    def test_takes_numbers(self, v): assert float(everything(lr=v)[2]) == float(v)
    @pytest.mark.parametrize('v', [True, '1', None, 1j, [1.], torch.tensor([1.])])
    def test_refuses_other_things(self, v): pytest.raises(TypeError, everything, lr=v)
    @pytest.mark.parametrize('v', [math.nan, math.inf, -math.inf, np.float64('nan'), 10**400])
    def test_refuses_what_is_not_finite(self, v): pytest.raises(ValueError, everything, lr=v)
    def test_open_and_closed_ends(self):
        assert real(0, 1)(0) == 0 and real(0, 1)(1) == 1
        for rule,v in ((real(above=0), 0), (real(below=1), 1), (real(0, 1), 1.01), (real(0), -1)): pytest.raises(ValueError, rule, v)
        assert 'from 0 to 1' in real(0, 1).wanted and 'above 0' in real(above=0).wanted

class TestPairs:
    @pytest.mark.parametrize('v, want', [(3, 3), ((3, 5), (3, 5)), ([3, 5], (3, 5)), (np.array([3, 5]), (3, 5)), (torch.Size([3, 5]), (3, 5)), (np.int64(3), 3)])
    def test_takes_one_or_two(self, v, want): assert everything(ks=v)[1] == want
    @pytest.mark.parametrize('v', [(1,), (1, 2, 3), (), True, (True, 2), 1., (1., 2), '12', None, {}, {1, 2}])
    def test_refuses_other_forms(self, v): pytest.raises(TypeError, everything, ks=v)
    @pytest.mark.parametrize('v', [0, (1, 0), -3])
    def test_refuses_values_below_the_limit(self, v): pytest.raises(ValueError, everything, ks=v)
    def test_pair(self): assert pair(3) == (3, 3) and pair((3, 5)) == (3, 5) and one_or_two(whole(0))(0) == 0

    def test_sides_of_padding_that_differ(self):
        rule = rule_of(NonNegativePair|Sides|Literal['same'])
        for v in (1, (1, 2), ((1, 2), (np.int64(0), 3)), 'same'): assert rule(v) == v
        assert type(rule([[1, 2], (np.int64(0), 3)])[1][0]) is int
        for v in (((1, 2), 3), ((1, 2),), ((1, 2, 3), (1, 2)), ((1, True), (1, 2)), ((1.,)*2,)*2, None): pytest.raises(TypeError, rule, v)
        for v in (-1, 'valid', ((1, -1), (0, 0))): pytest.raises(ValueError, rule, v)

class TestTensors:
    x,w = torch.zeros(2, 3, 8, 8),torch.zeros(4, 3, 3, 3)
    def test_takes_what_fits(self): assert convolve(self.x, self.w, torch.zeros(2).long()) is self.x
    @pytest.mark.parametrize('x', [torch.zeros(3, 8, 8), torch.zeros(8), torch.zeros(())])
    def test_number_of_axes(self, x):
        with pytest.raises(ValueError, match=re.escape(f'convolve: x is a float32 tensor of shape {tuple(x.shape)}; give a floating-point tensor with axes (n, c, h, w)')): convolve(x, self.w)
    @pytest.mark.parametrize('x', [torch.zeros(2, 3, 8, 8).int(), torch.zeros(2, 3, 8, 8).bool(), torch.zeros(2, 3, 8, 8).to_sparse(), np.zeros((2, 3, 8, 8)), None, 3, [[1.]], 'x', Tensor])
    def test_kinds(self, x): pytest.raises(TypeError, convolve, x, self.w)
    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float32, torch.float64])
    def test_every_floating_point_type_fits(self, dtype): convolve(self.x.to(dtype), self.w.to(dtype))
    @pytest.mark.parametrize('dtype', [torch.uint8, torch.int8, torch.int32, torch.int64])
    def test_every_integer_type_fits(self, dtype): convolve(self.x, self.w, torch.zeros(2).to(dtype))
    def test_one_name_is_one_size(self):
        with pytest.raises(ValueError, match='convolve: weight has c 1, but x has c 3; make'): convolve(self.x, self.w[:, :1])
        with pytest.raises(ValueError, match='labels has n 5, but x has n 2; make'): convolve(self.x, self.w, torch.zeros(5).long())
    def test_one_device(self):
        with pytest.raises(ValueError, match='convolve: weight has device meta, but x has device cpu; move'): convolve(self.x, self.w.to('meta'))
    def test_one_floating_point_type(self):
        with pytest.raises(ValueError, match='weight has dtype .*float64, but x has dtype .*float32; move'):
            convolve(self.x, self.w.double())
    def test_kernels_with_a_center(self):
        @checked
        def f(kernel:Annotated[Float[Tensor, 'kh kw'], centered]): return kernel
        f(torch.ones(1, 3))
        for size in ((2, 3), (3, 2), (0, 3)): pytest.raises(ValueError, f, torch.ones(size))
    def test_more_rules(self):
        @checked
        def f(x:Annotated[Float[Tensor, 'h w'], nonempty, finite]): return x
        assert f(torch.ones(1, 1)) == 1
        for bad in (torch.ones(0, 1), torch.full((1, 1), math.nan), torch.full((1, 1), math.inf), torch.ones(1, 1, device='meta')): pytest.raises(ValueError, f, bad)
        pytest.raises(ValueError, has_values, torch.ones(1, device='meta'))
    def test_a_tensor_that_may_be_elsewhere(self):
        @checked
        def f(x:Float[Tensor, 'n'], bank:Annotated[Float[Tensor, 'n'], movable]): return x
        f(torch.ones(2), torch.ones(3, device='meta')); f(torch.ones(2), torch.ones(2).double())
    def test_rules_beside_several_shapes(self):
        @checked
        def f(x:Annotated[Float[Tensor, 'n h w']|Float[Tensor, 'h w'], nonempty, finite], y:Float[Tensor, '_ w']|None=None): return x
        assert f(torch.ones(2, 3)).ndim == 2 and f(torch.ones(1, 2, 3)).ndim == 3
        f(torch.ones(2, 3), torch.ones(7, 3))
        for bad in (torch.ones(3), torch.ones(0, 3), torch.full((1, 1), math.nan)): pytest.raises(ValueError, f, bad)
        pytest.raises(TypeError, f, torch.ones(2, 3).int())
    def test_several_axes_by_dots(self):
        @checked
        def f(x:Num[Tensor, '... h w']): return x.ndim
        assert [f(torch.zeros(*(2,)*n)) for n in (2, 3, 5)] == [2, 3, 5]
        pytest.raises(ValueError, f, torch.zeros(2))

class Named(typing.TypedDict):
    a: int

class TestOthers:
    def test_flags(self):
        assert everything(flag=np.True_)[3] is True
        for v in (1, 0, 'False', None): pytest.raises(TypeError, everything, flag=v)
    def test_choices(self):
        pytest.raises(ValueError, everything, how='c'); pytest.raises(TypeError, everything, how=3); pytest.raises(TypeError, everything, how=[])
        with pytest.raises(ValueError, match="give one of 'a', 'b'"): everything(how='c')
    def test_none_where_it_is_allowed(self):
        assert everything(act=None, size=None)[5] is None
        with pytest.raises(TypeError, match='give a function, or None'): everything(act=3)
        pytest.raises(TypeError, everything, n=None)
    def test_figure_sizes(self):
        assert everything(size=(6, np.float32(4)))[6] == (6, 4)
        for v in (6, (6,), 'ab', (True, 2), (6, None)): pytest.raises(TypeError, everything, size=v)
        for v in ((0, 4), (6, 201), (math.nan, 3)): pytest.raises(ValueError, everything, size=v)
    def test_paths(self):
        assert everything(path='~/a')[7] == Path.home()/'a' and everything(path=Path('b'))[7] == Path('b')
        for v in ('', 3, b'a', Path): pytest.raises((TypeError, ValueError), everything, path=v)
        pytest.raises(ValueError, everything, path='a\0b')
    def test_layers(self):
        assert everything(layer=np.int64(2))[8] == 2 and everything(layer='0.conv')[8] == '0.conv'
        for v in (True, 1.5, [0], b'0'): pytest.raises(TypeError, everything, layer=v)
    def test_classes_and_containers_go_to_beartype(self):
        assert rule_of(nn.Module)(m := nn.ReLU()) is m and rule_of(Iterable)([1]) == [1]
        with pytest.raises(TypeError, match='give an nn.Module'): rule_of(nn.Module)(nn.ReLU)
        pytest.raises(TypeError, rule_of(dict[str, int]), {'a': 'b'})
    def test_every_item_of_a_sequence_is_looked_at(self):
        rule = rule_of(Sequence[Window])
        for items in ([], [Window(3)], (Window(3), Window(2))): assert rule(items) is items
        for items in ([Window(3)]*9 + [5], 'ab', Window(3), {Window(3)}):
            with pytest.raises(TypeError, match='give a list or a tuple'): rule(items)
    @pytest.mark.parametrize('hint,right,wrong', [
        (typing.Sequence, [1], 1), (Sequence[typing.Any], ['a', 1], 1), (Sequence[Sequence[int]], [[1], (2, 3)], [[1], 2]),
        (Sequence[int], [np.int64(1), 2], [1, True]), (Sequence[int|str], [1, 'a'], [1, 2.5]), (Sequence[Literal['a', 'b']], ['a'], ['a', 'c']),
        (Sequence[PositiveInt], (1, 2), (1, 0)), (Sequence[list[int]], [[1]], [1]), (Named, dict(a=1), 1)], ids=str)
    def test_hints_that_are_no_plain_classes(self, hint, right, wrong):
        rule = rule_of(hint)
        assert rule(right) == right
        for _ in range(9): pytest.raises(TypeError, rule, wrong)

class TestDecorator:
    def test_positions_keywords_defaults_and_the_rest(self):
        assert everything(np.int64(1), 2, anything='goes')[:2] == (1, 2)
        with pytest.raises(TypeError, match='unexpected keyword'): checked(lambda: 0)(a=1)
        with pytest.raises(TypeError, match='takes'): convolve(*[torch.zeros(1, 1, 1, 1)]*2, None, 4)
    def test_variable_arguments_are_not_taken_for_keyword_only_ones(self):
        @checked
        def f(a:int, *rest, b:int=0): return a,rest,b
        assert f(1, 'x', 'y') == (1, ('x', 'y'), 0)
        pytest.raises(TypeError, f, 1, b='x')
    def test_classes_and_methods_name_themselves(self):
        @checked
        class Layer:
            def __init__(self, nf:PositiveInt): self.nf = nf
            @checked
            def forward(self, x:Float[Tensor, 'n']): return x
            @checked
            def resize(self, n:NonNegativeInt): return n
        assert Layer(np.int64(3)).nf == 3
        with pytest.raises(ValueError, match='^Layer: nf is 0; give a whole number of 1 or more'): Layer(0)
        with pytest.raises(TypeError, match='^Layer: x is 3'): Layer(1).forward(3)
        with pytest.raises(ValueError, match='^Layer.resize: n is -1'): Layer(1).resize(-1)
    def test_name_of_the_callers_choice(self):
        with pytest.raises(TypeError, match='^conv: nf is True'): checked('conv')(_typed)(True)
    def test_what_help_shows(self):
        import inspect
        assert "x: jaxtyping.Float[Tensor, 'n c h w']" in str(inspect.signature(convolve))
        assert everything.__name__ == 'everything' and pickle.loads(pickle.dumps(everything)) is everything
    def test_the_cost_of_a_call(self):
        x,row = torch.zeros(5, 5),0
        @checked
        def f(x:Float[Tensor, 'h w'], row:int, kernel:Float[Tensor, 'kh kw']): return row
        def seconds(g):
            start = time.process_time()
            for _ in range(1000): g(x, row, x)
            return (time.process_time() - start)/1000
        assert min(seconds(f) - seconds(f.__wrapped__) for _ in range(5)) < 50e-6
    def test_torch_compile_sees_the_function_itself(self):
        f = torch.compile(checked(_double), backend='eager', fullgraph=True)
        assert f(torch.ones(2, 2)).sum() == 8
    def test_annotations_that_are_text(self):
        f = checked(_late)
        assert f(1) == 1
        pytest.raises(TypeError, f, 1.5)
    def test_errors_of_the_function_itself_pass(self):
        @checked
        def f(n:int): raise ValueError('my own')
        with pytest.raises(ValueError, match='^my own$'): f(1)

def _typed(nf:PositiveInt): return nf
def _double(x:Float[Tensor, 'h w']): return x*2
def _late(n:'PositiveInt|None'): return n

@pytest.mark.parametrize('o, text', [(torch.zeros(2, dtype=torch.int64), 'an int64 tensor of shape (2,)'), (torch.zeros(2).to_sparse(), 'a float32 tensor of shape (2,), torch.sparse_coo'),
    (np.zeros(2), 'a float64 array of shape (2,)'), (np.array([None]), 'an object array of shape (1,)'),
    (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), 'a float32 tensor without a shape'),
    (nn.parameter.UninitializedParameter(), 'a float32 tensor without a shape'), (nn.ReLU(), 'a ReLU module'), (nn.ReLU, 'the class ReLU'), (len, 'the function len'), ('3', "'3'"), (None, 'None')])
def test_described(o, text): assert described(o) == text

@given(st.one_of(st.text(), st.binary(), st.lists(st.integers()), st.integers(), st.dictionaries(st.text(), st.integers())))
def test_described_is_short(o): assert len(described(o)) <= 100
def test_described_never_fails():
    class Bad:
        def __repr__(self): raise RuntimeError
    assert described(Bad()) == 'a Bad' and described(10**5000) == 'an int'
