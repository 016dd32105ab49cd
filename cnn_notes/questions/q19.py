"The reading list: nothing missing or twice, each entry with an address, a sentence and the right year"
import re
from pathlib import Path

needed = ('LeCun', 'Dumoulin and Visin 2016', 'Araujo', 'Luo', 'Ioffe', 'Santurkar', 'Smith 2015',
          'Smith 2018', 'Wu and He',
          'Giomo')

def entries():
    "The entries by kind: title, address and line"
    text = Path(__file__).with_suffix('.md').read_text(encoding='utf-8')
    parts = re.split(r'^\*\*(\w+)\*\*$', text, flags=re.M)
    def item(o): return re.match(r'\[(.+?)\]\((.+?)\): (.+)', ' '.join(o.split())).groups()
    return {kind.lower(): [item(o) for o in part.split('\n- ')[1:]] for kind,part in zip(parts[1::2],
                                                                                         parts[2::2])}

def wrong(title, url, line):
    "What is wrong with an entry, or nothing"
    if not url.startswith('https://'): return 'its address does not begin with https'
    if len(line.split()) < 8 or not line.endswith('.'): return 'there is no sentence on what it is good for'
    date = re.search(r'arxiv\.org/abs/(\d\d)(\d\d)\.\d{5}$', url) # an arXiv number begins with year and month
    said = date and int(re.search(r' (\d{4})', title)[1])
    if date and not 0 <= 2000 + int(date[1]) - said <= 1: return f'its address is of 20{date[1]}'

def check():
    found = entries()
    every = [o for items in found.values() for o in items]
    assert len({url for _,url,_ in every}) == len({title for title,*_ in every}) == len(every), (
        'something is listed twice')
    for entry in every: assert not (why := wrong(*entry)), f'{entry[0]}: {why}'
    missing = [o for o in needed if not any(title.startswith(o) for title,*_ in every)]
    assert not missing, f'a paper that the course leans on is missing: {missing}'
    return {kind: len(items) for kind,items in found.items()}
