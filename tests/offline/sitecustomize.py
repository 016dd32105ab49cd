"""Cuts the network: whoever looks up or calls a machine other than this one gets an error, and a line in the
file $CNN_NOTES_NETWORK_LOG.

`conftest.py` runs this in pytest's own process, and puts this folder on the PYTHONPATH of all that it starts;
Python imports a module of this
name by itself. An audit hook also sees what goes around the `socket` module, and cannot be taken out.
192.0.2.1, an address that nobody has
(RFC 5737), is for tests of the cut: refused, but not written down.
"""
import os, socket, sys

class NetworkCut(RuntimeError): pass

here = {'', 'localhost', '0.0.0.0', '::', '::1', 'ip6-localhost', socket.gethostname()}
calls = {'socket.connect': 1, 'socket.sendto': 1, 'socket.sendmsg': 1, 'socket.getaddrinfo': 0,
    'socket.gethostbyname': 0, 'socket.gethostbyaddr': 0} # the place of the address

def outside(event, args):
    "The address, if it is not this machine's"
    address = args[calls[event]]
    if event in ('socket.connect', 'socket.sendto', 'socket.sendmsg'):
        if args[0].family not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
            return None # a file's name, or a socket connected before
        address = address[0]
    if isinstance(address, bytes): address = address.decode(errors='replace')
    return None if address is None or address in here or address.startswith('127.') else address

def hook(event, args):
    if event not in calls or (address := outside(event, args)) is None: return
    if address != '192.0.2.1' and (log := os.environ.get('CNN_NOTES_NETWORK_LOG')):
        with open(log, 'a', encoding='utf-8') as f:
            f.write(f'{event} {address} by {" ".join(sys.argv)[:200]}\n')
    raise NetworkCut(f'the network is cut: {event} {address}')

sys.addaudithook(hook)
