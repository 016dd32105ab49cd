"""A device that is not there: tensors on it claim to live elsewhere, refuse to mix with others, and may
refuse to be double.

    with simulated('cuda'): model.to('cuda')(x)      # RuntimeError: Expected all tensors to be on the same
    device ...
    with simulated('mps'): x.to('mps').double()      # TypeError: Cannot convert a MPS Tensor to float64 ...

The numbers lie in this machine's memory all the time; what is kept is a register of the storages that count
as far away. One mode answers
requests for a device, the other sees each operation, in a backward pass too, and enters its results.
`torch.Generator` and what runs in
other threads are not simulated. `python -m ipykernel_launcher ... --IPKernelApp.exec_lines='import simulated;
simulated.enter()'` gives a
kernel that has such a device.
"""
import os
from contextlib import ExitStack, contextmanager
from unittest import mock
import torch
import torch._dynamo # what is imported later would ask the answers below for what they lack
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

mixed = ('Expected all tensors to be on the same device, but found at least two devices, {} and {}! (when '
    'checking {})')
no_double = ("Cannot convert a {} Tensor to float64 dtype as the {} framework doesn't support float64. "
    "Please use float32 instead.")
no_array = ("can't convert {} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
    "memory first.")

class Register:
    "Which storages count as far away"
    def __init__(self, device, double):
        self.device,self.double,self.refs,self.inside = torch.device(device),double,{},0
    def storage(self, t):
        with torch._C.DisableTorchFunction():
            try: return t.untyped_storage()
            # sparse, or what a function transform wraps
            except (NotImplementedError, RuntimeError): return None
    def has(self, t):
        if (s := self.storage(t)) is None or t.is_meta: return False
        return (ref := self.refs.get(s._cdata)) is not None and not ref.expired()
    def add(self, out):
        for t in tensors(out):
            if (s := self.storage(t)) is None or self.meta(t): continue
            if not self.double and dtype_of(t) in (torch.float64, torch.complex128): raise self.refused()
            self.refs[s._cdata] = StorageWeakRef(s)
        if len(self.refs) > 20_000: self.refs = {k: r for k,r in self.refs.items() if not r.expired()}
        return out
    def remove(self, t):
        if (s := self.storage(t)) is not None: self.refs.pop(s._cdata, None)
        return t
    def meta(self, t):
        with torch._C.DisableTorchFunction(): return t.is_meta
    def refused(self): return TypeError(no_double.format(*[self.device.type.upper()]*2))
    def means(self, device):
        if device is None or isinstance(device, torch.Tensor): return False
        return torch.device(device).type == self.device.type

def tensors(o): return [t for t in tree_iter(o) if isinstance(t, torch.Tensor)]
def dtype_of(t):
    with torch._C.DisableTorchFunction(): return t.dtype
def dim_of(t):
    with torch._C.DisableTorchFunction(): return t.dim()

class Operations(TorchDispatchMode):
    "Sees each operation: refuses to mix devices, and enters what comes out"
    def __init__(self, register):
        super().__init__()
        self.register = register
    copies = [f'aten::{o}' for o in 'copy_ _to_copy _copy_from set_ set_data _local_scalar_dense'.split()]
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        r,kwargs,name = self.register,kwargs or {},func._schema.name
        given = tensors((args, kwargs))
        far = [t for t in given if r.has(t)]
        if far and name not in self.copies: self.check(name, args, given)
        if not r.double and far and kwargs.get('dtype') in (torch.float64, torch.complex128):
            raise r.refused()
        out = func(*args, **kwargs)
        if name in ('aten::copy_', 'aten::set_'): return out # a copy stays where it is
        made_inside = r.inside and not given # what a function of PyTorch makes on the way to its answer
        return r.add(out) if (far or made_inside) and kwargs.get('device') != torch.device('meta') else out

    def check(self, name, args, given):
        r = self.register
        if name in ('aten::index', 'aten::index_put_', 'aten::index_put', 'aten::_index_put_impl_') and r.has(
            args[0]):
            given = [args[0], *args[2:3]] # the indices of a far tensor may be here
            given = tensors(given)
        for t in given:
            if r.has(t) or dim_of(t) == 0 and not r.meta(t): continue
            raise RuntimeError(mixed.format(r.device, 'meta' if r.meta(t) else 'cpu',
                f'an argument of {name.removeprefix("aten::")}'))

class Requests(TorchFunctionMode):
    "Answers what is asked about devices, and sends tensors there and back"
    def __init__(self, register):
        super().__init__()
        self.register = register

    def __torch_function__(self, func, types, args=(), kwargs=None):
        r,kwargs = self.register,dict(kwargs or {})
        name,owner = getattr(func, '__name__', ''),getattr(getattr(func, '__self__', None), '__name__', '')
        far = isinstance(args[0], torch.Tensor) and r.has(args[0]) if args else False
        if name == '__get__' and owner in self.getters:
            return self.getters[owner](r) if far else func(*args, **kwargs)
        if name == 'get_device' and far: return r.device.index or 0
        if name in ('numpy', '__array__') and far: raise TypeError(no_array.format(r.device))
        if name == 'is_pinned' and far: return False
        if name in ('cpu', 'cuda', 'to', 'type') and args and isinstance(args[0], torch.Tensor):
            return self.move(func, name, far, args, kwargs)
        if name == '__deepcopy__' and far: return r.add(func(*args, **kwargs))
        if name == '_parse_to': return func(*args, **kwargs) # says what the arguments of `to` mean
        wanted = kwargs.get('device')
        if r.means(wanted):
            if isinstance(g := kwargs.get('generator'), torch.Generator) and g.device.type == 'cpu':
                raise RuntimeError(f"Expected a '{r.device.type}' device type for generator but found 'cpu'")
            return r.add(self.run(func, args, kwargs | dict(device='cpu'), True))
        if wanted is not None: # made here, or on the meta device, of something far away
            out = self.run(func, args, kwargs, False)
            for t in tensors(out): r.remove(t)
            return out
        return self.run(func, args, kwargs, any(r.has(t) for t in tensors((args, kwargs))))

    getters = dict(device=lambda r: r.device, is_cuda=lambda r: r.device.type == 'cuda',
        is_mps=lambda r: r.device.type == 'mps', is_cpu=lambda r: False)

    def run(self, func, args, kwargs, far):
        "Call `func`; what it makes on its way counts as far away where one of its arguments does"
        r = self.register
        r.inside += far
        try: return func(*args, **kwargs)
        finally: r.inside -= far

    def move(self, func, name, far, args, kwargs):
        "What `to`, `cpu` and `cuda` give; a request without a device is none of ours"
        r,x,rest = self.register,args[0],args[1:]
        device = dict(cpu=torch.device('cpu'), cuda=r.device if r.device.type == 'cuda'
            else None).get(name) or self.asked(rest, kwargs)
        if device is None or device.type == 'meta' or name == 'type': return self.run(func, args, kwargs, far)
        there = device.type == r.device.type
        dtypes = [o.dtype if isinstance(o, torch.Tensor) else o for o in (*rest, *kwargs.values())
            if isinstance(o, (torch.dtype, torch.Tensor))]
        dtype = dtypes[0] if dtypes else dtype_of(x)
        if there and not r.double and dtype == torch.float64: raise r.refused()
        if there == far and dtype == dtype_of(x) and not kwargs.get('copy'): return x
        with inside(r, 0):
            out = torch.Tensor.to(x, dtype, copy=True,
                **{k: v for k,v in kwargs.items() if k == 'memory_format'})
        return r.add(out) if there else r.remove(out)

    def asked(self, rest, kwargs):
        "The device that a call of `to` names"
        for o in (*rest, kwargs.get('device'), kwargs.get('other')):
            if isinstance(o, torch.Tensor):
                return self.register.device if self.register.has(o) else torch.device('cpu')
            if isinstance(o, (str, torch.device)): return torch.device(o)
            if isinstance(o, int) and not isinstance(o, bool) and o is rest[0]: return self.register.device
        return None

@contextmanager
def inside(register, depth):
    keep,register.inside = register.inside,depth
    try: yield
    finally: register.inside = keep

@contextmanager
def simulated(device='cuda', double=None):
    "For a while this machine has a `device`; `double`: can its tensors be float64? (MPS's cannot)"
    device = torch.device(device, 0) if device == 'cuda' else torch.device(device)
    register = Register(device, device.type != 'mps' if double is None else double)
    with ExitStack() as stack:
        there = {'torch.cuda.is_available': device.type == 'cuda',
            'torch.cuda.device_count': int(device.type == 'cuda'), 'torch.cuda.current_device': 0,
                 'torch.cuda.get_device_name': 'a simulated device', 'torch.cuda.synchronize': None,
                 'torch.cuda.empty_cache': None, 'torch.backends.cudnn.is_acceptable': False,
                 'torch.backends.mps.is_available': device.type == 'mps', 'torch.mps.synchronize': None}
        for name,answer in there.items(): stack.enter_context(mock.patch(name, return_value=answer))
        # ask the driver
        for name in ('_cuda_graph_capture_health_check', '_accelerator_graph_capture_health_check'):
            if hasattr(torch.optim.Optimizer, name):
                stack.enter_context(mock.patch.object(torch.optim.Optimizer, name))
        requests,engine = Requests(register),torch.autograd._engine_run_backward
        def backward(*args, **kwargs): # hooks ask for devices on the way
            with requests: return engine(*args, **kwargs)
        stack.enter_context(mock.patch('torch.autograd._engine_run_backward', backward))
        stack.enter_context(Operations(register))
        stack.enter_context(requests)
        yield register

def enter():
    "For a kernel: the device stays until the end; CNN_NOTES_DEVICE: cuda or mps"
    global _stack
    _stack = ExitStack()
    _stack.enter_context(simulated(os.environ.get('CNN_NOTES_DEVICE', 'cuda')))
