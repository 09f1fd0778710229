"""stan.conf files by themselves: one for all nodes, one for each, or one for each half of the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stanlocal.imports.conf import read_conf
from stanlocal.imports.flags import Word
from stanlocal.imports.given_files import GivenFile, GivenFiles
from stanlocal.imports.import_result import Found
from stanlocal.imports.launches import Launch, read_launches
from stanlocal.natsconf import Table
from stanlocal.settings.streaming import STREAMING


def read_confs(
    given: Sequence[GivenFile], files: GivenFiles, environ: Mapping[str, str], found: Found
) -> None:
    """Put the settings of the files into `found`.

    Several files with streaming options are the nodes of one group. A file without such options is that of
    the NATS server inside each, as `-c` names it.
    """
    found.local_file = given[0].beside
    if len(given) == 1:
        conf = files.configuration(given[0], environ, found)
        if not found.problems:
            read_conf(conf, given[0].start, found)
        return
    confs = {file.name: files.configuration(file, environ, found) for file in given}
    if found.problems:
        return
    found.findings.clear()  # they are noted again for each server
    own = [file for file in given if file.name not in files.used]
    streaming = [file for file in own if _has_streaming(confs[file.name])] or own
    nats = [file for file in own if file not in streaming]
    for file in nats[1:]:
        found.left_out(file.start, "the whole file", f"{nats[0].name} is the one for the NATS server")
    launches = [_launch(file, nats[0] if nats else None, environ) for file in streaming]
    read_launches(launches, files, found)


def _has_streaming(conf: Table) -> bool:
    return any(name.lower() == "streaming" or STREAMING.find(name) for name in conf)


def _launch(streaming: GivenFile, nats: GivenFile | None, environ: Mapping[str, str]) -> Launch:
    """Return a server that is started with these files."""
    named = {"streaming": streaming} | ({} if nats is None else {"nats": nats})
    arguments = [Word("-sc", streaming.start), Word("streaming", streaming.start)]
    if nats is not None:
        arguments += [Word("-c", nats.start), Word("nats", nats.start)]
    return Launch(streaming.name, streaming.start, arguments, environ, named.get)
