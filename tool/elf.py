# SPDX-License-Identifier: BSL-1.0
"""Reads ELF files: segments, sections, symbols. 32 and 64 bits, little endian."""

import struct
from collections import namedtuple
from functools import cached_property
from pathlib import Path

from tool.fault import Fault

Segment = namedtuple("Segment", "type flags offset vaddr paddr filesz memsz align")
Section = namedtuple("Section", "name type flags addr offset size link entsize")
Symbol = namedtuple("Symbol", "name value size type section")

PT_LOAD = 1
PF_X, PF_W, PF_R = 1, 2, 4
SHF_ALLOC = 2
SHT_NOBITS = 8
SHT_SYMTAB = 2
SHN_UNDEF, SHN_ABS = 0, 0xfff1
STT_SECTION, STT_FILE = 3, 4


class Elf:
    """One ELF file. A file that is missing, cut off or something else is a Fault of one line."""

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.data = self.path.read_bytes()
        except OSError as error:
            raise Fault(f"cannot read {path}: {error.strerror}; ./uk run builds images below build/", 2) from None
        if self.data[:4] != b"\x7fELF" or len(self.data) < 52 or self.data[5] != 1:
            raise Fault(f"{path} is not an ELF image; build one with ./uk run, it lies in build/EXAMPLE-TARGET/", 2)
        self.wide = self.data[4] == 2
        try:
            head = struct.unpack_from("<HHI3QI6H" if self.wide else "<HHI3II6H", self.data, 16)
            self.entry, phoff, shoff = head[3:6]
            phsize, phnum, shsize, shnum, shstr = head[8:13]
            self.segments = [self._segment(phoff + i * phsize) for i in range(phnum)]
            raw = [self._section(shoff + i * shsize) for i in range(shnum)]
            names = raw[shstr].offset if shstr < len(raw) else 0
            self.sections = [s._replace(name=self._text(names + s.name)) for s in raw]
        except (struct.error, ValueError):
            raise Fault(f"{path} is a damaged ELF file; build it again", 2) from None

    def _segment(self, at):
        if self.wide:
            kind, flags, offset, vaddr, paddr, filesz, memsz, align = struct.unpack_from("<IIQQQQQQ", self.data, at)
        else:
            kind, offset, vaddr, paddr, filesz, memsz, flags, align = struct.unpack_from("<IIIIIIII", self.data, at)
        return Segment(kind, flags, offset, vaddr, paddr, filesz, memsz, align)

    def _section(self, at):
        form = "<IIQQQQIIQQ" if self.wide else "<IIIIIIIIII"
        name, kind, flags, addr, offset, size, link, _, _, entsize = struct.unpack_from(form, self.data, at)
        return Section(name, kind, flags, addr, offset, size, link, entsize)

    def _text(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode(errors="replace")

    @cached_property
    def symbols(self):
        """Every named symbol of the symbol table; empty when the file is stripped."""
        found = []
        form = "<IBBHQQ" if self.wide else "<IIIBBH"
        try:
            for table in self.sections:
                if table.type != SHT_SYMTAB:
                    continue
                strings = self.sections[table.link].offset
                for at in range(table.offset, table.offset + table.size, struct.calcsize(form)):
                    if self.wide:
                        name, info, _, section, value, size = struct.unpack_from(form, self.data, at)
                    else:
                        name, value, size, info, _, section = struct.unpack_from(form, self.data, at)
                    if name and section != SHN_UNDEF and info & 15 not in (STT_SECTION, STT_FILE):
                        found.append(Symbol(self._text(strings + name), value, size, info & 15, section))
        except (struct.error, ValueError, IndexError):
            raise Fault(f"{self.path} is a damaged ELF file; build it again", 2) from None
        return found

    def symbol(self, name):
        """The value of the symbol `name`, or None."""
        return next((s.value for s in self.symbols if s.name == name), None)

    @property
    def loads(self):
        """The segments that a loader puts into memory."""
        return [s for s in self.segments if s.type == PT_LOAD]

    @property
    def loadable(self):
        """Bytes that a loader copies: the sum of PT_LOAD p_filesz."""
        return sum(s.filesz for s in self.loads)

    @property
    def memory_top(self):
        """The first physical address above everything that the image occupies, zeroed memory included."""
        return max((s.paddr + s.memsz for s in self.loads), default=0)
