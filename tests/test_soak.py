"""Watching a training does not cost more and more: a short version of benchmarks/soak.py, and 20,000 batches
put straight into a record"""
import gc, importlib.util, sys, time
from pathlib import Path
import pytest, torch
from cnn_notes.callbacks import _describe
from cnn_notes.activations import ActivationRecord

pytestmark = pytest.mark.skipif(not Path('/proc/self/statm').exists(),
    reason='resident memory is read from /proc')
sys.path.insert(0, str(Path(__file__).resolve().parent.parent/'benchmarks'))
spec = importlib.util.spec_from_file_location('soak',
    Path(__file__).resolve().parent.parent/'benchmarks'/'soak.py')
soak = importlib.util.module_from_spec(spec)
spec.loader.exec_module(soak)

@pytest.mark.nightly
def test_a_record_of_20000_batches_takes_the_memory_of_its_numbers():
    rows = [_describe(torch.rand(4, 8, 3, 3), 40, 0, 10) for _ in range(4)]
    spent = [] # processor seconds of 500 batches
    def fill(n):
        rec = ActivationRecord(list('abcd'), 40, (0, 10))
        for i in range(n):
            if i%500 == 0: start = time.process_time()
            rec._add(i, rows)
            if i%500 == 499: spent.append(time.process_time() - start)
        return rec
    fill(2000); gc.collect(); spent.clear()
    before = soak.resident()
    rec = fill(20_000)
    grew,size = soak.resident() - before,soak.record_bytes(rec)
    assert size > 25*2**20 and grew <= size + soak.slack, (grew/2**20, size/2**20)
    # the least: what other programs add is never in all of them
    assert min(spent[-10:]) < 2*min(spent[:10]), 'a batch costs more the more there are'
    stats = rec._read()
    assert all(torch.equal(o, torch.stack([r[k] for r in rows]).expand(20_000, -1, -1).nan_to_num()) for k,
        o in enumerate(stats[:2])) and torch.equal(stats[2], torch.full((20_000, 4), 288))

def test_blocks_are_read_as_one_record_at_any_time(monkeypatch):
    monkeypatch.setattr('cnn_notes.activations._block', 8)
    rows = [[_describe(torch.full((2, 3), float(i)), 4, 0, 100)] for i in range(40)]
    rec = ActivationRecord(['a'], 4, (0, 100))
    for i,r in enumerate(rows):
        rec._add(i, r)
        if i in (0, 6, 7, 8, 15, 16, 30, 39):
            # read in the middle, at the edge of a block and after it
            assert rec.series(0).tolist() == list(range(i+1)) and rec.hist(0).shape == (4, i+1)
    assert rec.batches == list(range(40))

@pytest.mark.nightly
def test_600_steps():
    objects = []
    class Count(soak.Points):
        def after_batch(self):
            super().after_batch()
            if self.n in (200, 600): gc.collect(); objects.append(len(gc.get_objects()))
    keep,soak.Points = soak.Points,Count
    # what other tests left is not listed: a list of a million objects takes the 8 MB that a leak would
    gc.collect(); gc.freeze()
    try: points,record = soak.soak(600, points=20)
    finally: soak.Points = keep; gc.unfreeze()
    grew,size,_ = soak.verdict(points)
    assert len(record) == 640 and len(points) == 21 and grew <= size + soak.slack, (grew, size)
    half = len(points)//2
    # the least: what other programs add is never in all of them
    first,last = (min(p[3] for p in part) for part in (points[:half], points[half:]))
    assert last < 1.5*first, 'steps become slower'
    # of each step a record keeps a few tensors until they are packed, and nothing else
    assert objects[1] - objects[0] < 400*4, objects
