"What `DataLoaders` draw"
from .common import drawn, small_dls

def check(method):
    dls = small_dls()
    assert callable(getattr(dls, method, None)), f'DataLoaders have no {method}'
    axes = [ax for ax in drawn(getattr(dls, method)) if ax.images]
    assert axes and all(ax.get_title() in set('0123456789') for ax in axes), 'the labels are not drawn'
    return dict(shown=len(axes))
