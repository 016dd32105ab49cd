"The mystery runs: each recording shows its own fault and no other, the tutor's sentences are true, and nothing gives an answer away"
import json, math, re
from pathlib import Path
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
import nbformat, numpy as np, pytest, torch
from cnn_notes import measured as me
from cnn_notes.answers import lesson_16 as tutor
from cnn_notes.exercises import all_exercises
from cnn_notes.experiments import mystery as m

root = Path(__file__).resolve().parent.parent
path = Path(me.__file__).parent/'measurements'/'mystery_runs.json'
record = json.loads(path.read_text(encoding='utf-8'))
results = dict(zip(record['seeds'], record['results']))
exercises = {ex.number: ex for id,ex in all_exercises().items() if id[:2] == '16'}
every_run = pytest.mark.parametrize('n', range(12))
every_exercise = pytest.mark.parametrize('n', range(1, 11))

@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch): monkeypatch.setenv('CNN_NOTES_HOME', str(tmp_path/'home'))

# ---- the recording

def test_the_recording_is_current_small_and_says_where_it_comes_from():
    assert record['fingerprint'] == me.fingerprint(m.mystery_runs), 'stale: python -m cnn_notes.measured --rerun mystery_runs, and copy the record'
    assert path.stat().st_size < 250_000 and list(results) == list(range(12)) and record['seconds'] < 300
    assert {'processor', 'threads', 'versions'} <= record['machine'].keys() and re.fullmatch(r'\d{4}-\d\d-\d\d', record['date'])
    line = m.recorded()
    assert '12 runs, all from seed 0' in line and record['date'] in line and record['machine']['versions']['torch'] in line and 'stale' not in line

def test_a_changed_function_makes_it_stale(monkeypatch):
    monkeypatch.setattr(m, 'judged_every', 40)
    m._recordings.cache_clear()
    try: assert 'stale' in m.recorded()
    finally: m._recordings.cache_clear()

def test_the_plan_has_eight_faults_and_two_runs_without():
    planned = [m.plan(n)[0] for n in range(1, 11)]
    assert planned.count('nothing') == 2 and len(set(planned)) == 9 and set(planned) <= set(m.faults)
    assert m.plan(0)[0] == m.plan(11)[0] == 'nothing'

@every_run
def test_a_run_shows_the_sign_of_its_fault_and_no_other(n):
    shown = [fault for fault,shows in m.signs(results[n]).items() if shows]
    assert shown == [m.plan(n)[0]]*(m.plan(n)[0] != 'nothing') and m.diagnosis(results[n]) == m.plan(n)[0]

@pytest.mark.parametrize('n', [n for n in range(12) if n not in (2, 5)]) # their first images depend on all images
def test_the_first_batch_of_a_recording_is_what_its_plan_gives(n):
    plan = dict(norm=False, bs=64, scale=1., dead=None, without_relu=None, frozen=False) | m.plan(n)[1]
    net = m.network(0, *(plan[k] for k in ('norm', 'scale', 'dead', 'without_relu'))).train(not plan['frozen'])
    x,y,*_ = m.digits(plan['bs'], 0, False, False)
    with torch.no_grad():
        for i,block in enumerate(net[:5]):
            x = block(x)
            for what,v in (('mean', x.mean()), ('std', x.std()), ('near_zero', (x <= .05).float().mean()), ('below_zero', (x < -.05).float().mean())):
                assert results[n][what][i][0] == pytest.approx(v.item(), rel=.02, abs=2e-3*max(1, x.std().item())), (what, i)
        assert results[n]['losses'][0] == pytest.approx(torch.nn.functional.cross_entropy(net[5](x), y).item(), rel=1e-3)

def jumps(losses): return [i for i in range(1, len(losses)) if losses[i] > losses[i-1] + .5]

def test_ordered_batches_leap_where_the_label_changes():
    _,y,*_ = m.digits(m.steps*64, 0, True, False)
    new = [i for i,(a,b) in enumerate(zip(y.split(64), y.split(64)[1:]), 1) if a[0] != b[-1] and a[-1] != b[-1] or len(b.unique()) > 1]
    assert m.leaps(results[2]['losses']) == 9
    assert all(min(abs(i - k) for k in new) <= 1 for i in jumps(results[2]['losses'])) and len({k//12 for k in jumps(results[2]['losses'])}) >= 7

def test_forgetting_eval_leaves_the_training_alone():
    assert results[6]['losses'] == results[11]['losses'] and results[6]['std'] == results[11]['std']
    assert min(results[6]['valid_losses']) > 5*results[11]['valid_losses'][-1]

def test_shuffled_labels_leave_the_layers_alive():
    assert all(abs(o - math.log(10)) < .3 for o in results[5]['losses']) and min(map(min, results[5]['health'][:4])) > .3

def test_a_dead_layer_is_dead_before_the_first_step_and_a_high_rate_kills_later():
    assert results[3]['health'][2][0] == 0 and results[3]['std'][2] == [0]*40 and min(o[0] for o in results[1]['health'][:4]) > .3
    assert all(o[1] == 0 for o in results[1]['health'][1:4]) and max(results[1]['losses'][:5]) > 5
    for i in (0, 1): assert np.ptp(results[3]['std'][i]) < .1*results[3]['std'][i][0] # nothing gets back to them

def test_a_missing_relu_shows_below_zero_in_one_layer():
    below = [max(o) for o in results[8]['below_zero']]
    assert [o > 0 for o in below[:4]] == [False, True, False, False] and below[1] > .4
    digits = np.array([[int(d) for d in str(o).zfill(m.bins)] for o in results[8]['hist'][1]])
    others = np.array([[int(d) for d in str(o).zfill(m.bins)] for i in (0, 2, 3) for o in results[8]['hist'][i]])
    assert digits[:, :m.bins//2].any() and not others[:, :m.bins//2].any()

def test_deviations_of_the_first_batch():
    first = {n: [o[0] for o in results[n]['std'][:4]] for n in results}
    assert all(b < a/10 for a,b in zip(first[7], first[7][1:])) and not any(b < a/10 for a,b in zip(first[0], first[0][1:]))
    assert first[10][3] < .1 < .5 < first[11][3] and results[10]['setting'] == results[11]['setting'] == [1, 64]

def test_the_healthy_runs_learn():
    for n in (0, 4, 9, 11): assert results[n]['accuracies'][-1] > .85 and results[n]['valid_losses'][-1] < .4 and min(map(min, results[n]['health'][:4])) > .25

# ---- reading it

@pytest.mark.parametrize('seed', range(3))
def test_histograms_come_back_as_far_as_a_digit_can_tell(seed):
    counts = torch.randint(0, 10**(seed + 2), (m.bins, 7), generator=torch.Generator().manual_seed(seed)).float()
    counts[0] = counts[-1] = 0
    again = m.unpacked(m.packed(counts.log1p()))
    assert again.shape == (7, m.bins) and not again[:, [0, -1]].any()
    assert ((again.T.float().log1p() - counts.log1p()).abs() <= math.log(4)/2 + 1e-4).all()

@every_run
def test_a_run_as_the_reader_gets_it(n):
    run,r = m.mystery(n),results[n]
    assert len(run.losses) == len(run.rates) == 200 and run.valid_steps[-1] == 199 and len(run.valid_losses) == len(run.accuracies) == 10
    for i in range(5):
        for what in ('mean', 'std', 'near_zero', 'health'): assert run.stats.series(i, what).tolist() == pytest.approx(r[what][i], abs=1e-4, rel=1e-4)
        assert run.stats.hist(i).shape == (32, 40)
    assert run.stats.batches == list(range(0, 200, 5)) and ('batch norm' in repr(run)) == bool(r['setting'][0])

def test_pictures():
    fig = m.mystery(3).plot()
    assert fig.get_suptitle() == 'Run 3' and len(fig.axes) == 13 and m.mystery(3).plot(title='a').get_suptitle() == 'a' # 12 panels and a bar
    assert [ax.get_title() for ax in fig.axes[:5]] == ['Loss', 'Mean', 'Deviation', 'At most 0.05', 'Health']
    assert len(m.mystery(3).plot_losses().axes) == 1 and m.mystery(3).stats.plot() and m.mystery(3).stats.color_dim('layer 2')
    plt.close('all')

@pytest.mark.parametrize('n', [12, -1, '3', None])
def test_no_such_run(n):
    with pytest.raises(ValueError, match='mystery: number is .*; give 0 to 11'): m.mystery(n)

# ---- the tutor

def test_there_is_an_exercise_for_each_run_and_the_solutions_are_the_plan():
    assert list(exercises) == list(range(1, 11))
    for n,ex in exercises.items(): assert ex.made(ex.solution_code) == m.plan(n)[0] and ex.id == f'16.{n}'

@every_exercise
def test_every_wrong_diagnosis_is_told_what_speaks_against_it(n):
    ex,right = exercises[n],m.plan(n)[0]
    said = {o: ex.check(o).message for o in m.faults if o != right}
    assert len(set(said.values())) == len(m.faults) - 1 == len(ex.mistakes)
    assert ex.check(right) and ex.check(f' {right.upper()} ')
    for text in (*said.values(), ex.check(right).message):
        assert not re.search(r'\bnan\b|\binf\b|[{}]', text) and len(text) > 20, text
    for o,text in said.items(): assert right not in ('nothing', o) and right not in text or right == 'nothing', f'{o} gives {right} away: {text}'

@every_exercise
@pytest.mark.parametrize('answer', ['noise', '', 'a layer is dead, rate too high', 3, ['nothing'], 'nothing,'])
def test_an_answer_that_is_not_in_the_list_learns_nothing_of_the_right_one(n, answer):
    verdict = exercises[n].check(answer)
    assert not verdict and 'give one of `faults`' in verdict.message
    assert m.plan(n)[0] not in verdict.message.replace(repr(answer), '')

def moved(run): return max((a := tutor.first(run)[3])/max(b := tutor.last(run), 1e-9), b/a)
def no_less(run, by): return all(b > a/by for a,b in zip(tutor.first(run), tutor.first(run)[1:]))
true = {'rate too high': lambda run: max(run.losses[:20]) < 2.6 and tutor.lowest_health(run) > .01 and tutor.end(run) < 1,
        'rate too low': lambda run: moved(run) > 1.2,
        'first weights too small': lambda run: min(tutor.first(run)[1:]) > .4 if run.norm else no_less(run, 10),
        'first weights too large': lambda run: run.losses[0] < 2.6,
        'a ReLU is missing': lambda run: max(max(o) for o in results[run.number]['below_zero'][:4]) == 0,
        'a layer is dead': lambda run: tutor.lowest_health(run) > .01,
        'labels shuffled': lambda run: tutor.end(run) < 1,
        'batches in order of the label': lambda run: m.leaps(run.losses) == 0 and max(run.losses) < 3,
        'eval() forgotten': lambda run: not run.norm or abs(run.valid_losses[-1] - tutor.end(run)) < .1,
        'norm frozen at its start': lambda run: not run.norm or tutor.first(run)[3] > .4,
        'batches too small': lambda run: run.bs == 64 and results[11*run.norm]['valid_losses'][-1] < .2,
        'overfitting': lambda run: True}

@every_exercise
def test_sentences_that_serve_several_runs_are_true_of_each(n):
    run,right = m.mystery(n),m.plan(n)[0]
    own = exercises[n].special(run)
    for fault in set(tutor.against(run)) - set(own) - {right}: assert true[fault](run), f'{fault}: {tutor.against(run)[fault]}'

def test_sentences_of_single_runs_are_true():
    assert all(results[1]['health'][i][0] > .3 and results[1]['health'][i][1] == 0 for i in (1, 2, 3)) and results[1]['losses'][1] == max(results[1]['losses'])
    assert all(o < .5 for o in results[4]['valid_losses'][-1:]) and max(results[4]['losses'][:20]) < 2.5 and min(results[4]['losses'][30:]) < .7
    assert results[9]['valid_losses'][0] > 2.5 and results[9]['rates'] == sorted(results[9]['rates'][:50]) + sorted(results[9]['rates'][50:], reverse=True)
    assert max(results[9]['losses'][20:70]) > 1 and max(results[9]['losses'][120:]) < 1
    losses = results[1]['losses']
    assert sum(b > a + 1 for a,b in zip(losses, losses[1:])) == 1
    assert all(abs(o - math.log(10)) < .2 for o in losses[2:])
    assert results[4]['valid_losses'][-1] < results[0]['valid_losses'][2] and 200*16 < 60*64
    assert results[7]['valid_losses'][1] > 2*results[0]['valid_losses'][1] and results[7]['rates'] == results[0]['rates']
    assert abs(results[8]['valid_losses'][-1] - results[11]['valid_losses'][-1]) < .02 and abs(results[10]['valid_losses'][-1] - results[0]['valid_losses'][-1]) < .02

def test_no_image_is_seen_twice():
    generator = torch.Generator().manual_seed(0)
    assert len(torch.randperm(60_000, generator=generator)[:m.steps*64].unique()) == m.steps*64
    x,y,*_ = m.digits(256, 0, False, False)
    assert all(torch.equal(a.sort().values, y.sort().values) for a in (m.digits(256, 0, True, False)[1], m.digits(256, 0, False, True)[1])) and len(x) == 256

# ---- nothing gives an answer away

words = {o: o for o in m.faults if o not in ('nothing', 'overfitting')}

def test_the_page_does_not_name_a_fault_beside_its_run():
    nb = nbformat.read(root/'nbs'/'16_mystery_runs.ipynb', as_version=4)
    at = [i for i,c in enumerate(nb.cells) if re.search(r"mystery\((\d+)\)\.plot\(title='Run", c.source)]
    asked = [i for i in at if 1 <= int(re.search(r'mystery\((\d+)\)\.plot', nb.cells[i].source)[1]) <= 10]
    assert len(asked) == 10
    for i in asked:
        for c in nb.cells[i-1:i+2]:
            said = json.dumps(c.outputs if c.cell_type == 'code' else '')
            said = re.sub(r'"image/png": "[^"]*"', '', said) + c.source
            for fault in words: assert fault not in said, f'{c.source[:60]!r} says {fault!r}'
            assert not re.search(r'\b(dead|die[sd]?|shuffl|eval|frozen|forgot|broken|healthy|noth)', said), c.source[:200]

def test_the_recording_does_not_name_the_faults():
    text = path.read_text(encoding='utf-8').replace(record['claim'], '')
    for fault in words: assert fault not in text

@every_exercise
def test_hints_do_not_say_the_answer(n):
    for hint in exercises[n].hints: assert m.plan(n)[0] not in hint or m.plan(n)[0] == 'nothing'

# ---- a record's file

@pytest.mark.parametrize('record', [dict(a=[1, 2.5, None], b=[[1, 2], [3]], c='in [0, 1), or  [2', d=[dict(e=[])], f=['x', 'y [1'], g={}), dict(a=[10**31]), {}])
def test_a_record_has_a_list_of_numbers_on_one_line(record):
    text = me._text(record)
    assert json.loads(text) == record
    if 'b' in record: assert '"a": [1, 2.5, null]' in text and '[1, 2]' in text
