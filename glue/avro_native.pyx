# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Avro's binary encoding of one schema, compiled: a tree of nodes, one a type, reads bytes in place and writes one buffer.

``glue.avro_codec`` uses it where it was built, with fastavro behind it. It is strict: what it refuses (``RefusedError``, or any
error of Python's) may still be a value that fastavro reads or writes otherwise, an integer given as a float say, and
fastavro then decides, and words the error. What it accepts, fastavro accepts with the same result.

At its end is what else each record needs of its texts and times; the callers say what it does without a compiler.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.datetime cimport (
    datetime_day, datetime_hour, datetime_microsecond, datetime_minute, datetime_month, datetime_new, datetime_second,
    datetime_tzinfo, datetime_year, import_datetime,
)
from cpython.dict cimport PyDict_Copy, PyDict_GetItemWithError, PyDict_SetItem
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeASCII, PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import sys
from datetime import datetime, timezone

cdef extern from *:
    """
    #if PY_VERSION_HEX < 0x030D0000 && !defined(PYPY_VERSION) && !defined(Py_LIMITED_API)
    /* What PyUnicode_AsUTF8AndSize would keep with a text when it encodes it, kept as it is decoded: the same bytes, as
       nothing but UTF-8 in its one form is decoded. Python frees it with the text. */
    static void keep_utf8(PyObject *text, const char *data, Py_ssize_t size) {
        PyCompactUnicodeObject *known = (PyCompactUnicodeObject *)text;
        char *kept;
        if (!PyUnicode_IS_COMPACT(text) || PyUnicode_IS_ASCII(text) || known->utf8 != NULL) return;
        kept = (char *)PyObject_Malloc(size + 1);
        if (kept == NULL) return;
        memcpy(kept, data, size);
        kept[size] = 0;
        known->utf8 = kept;
        known->utf8_length = size;
    }
    #else
    #define keep_utf8(text, data, size) ((void)0)
    #endif
    """
    void keep_utf8(object text, const char* data, Py_ssize_t size)

import_datetime()
cdef object _UTC = timezone.utc
cdef int64_t _DAY = 86_400_000, _EPOCH_DAY = 719_162  # milliseconds; days from the year 1 to 1970
cdef int[13] _BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365]  # days before a month of a plain year

class RefusedError(ValueError):
    """Not a value of the schema as this codec reads it; fastavro decides."""

class UnsupportedError(ValueError):
    """The schema needs what this codec does not do; fastavro takes all of it."""

class TooManyPartsError(ValueError):
    """The bytes hold more items and records than a value may have."""

ctypedef struct Input:
    const uint8_t* at
    const uint8_t* end
    int64_t parts  # how many more items, entries and records it may hold

ctypedef struct Output:
    char* data
    size_t size
    size_t room

cdef inline const uint8_t* take(Input* source, int64_t size) except NULL:
    cdef const uint8_t* start = source.at
    if size < 0 or size > source.end - start:
        raise RefusedError("ends too early")
    source.at = start + size
    return start

cdef inline int64_t take_long(Input* source) except? -1:
    cdef uint64_t bits = 0
    cdef int shift = 0
    cdef uint8_t byte
    while source.at < source.end and shift < 70:
        byte = source.at[0]
        source.at += 1
        bits |= <uint64_t>(byte & 0x7F) << shift
        if byte < 0x80:
            return <int64_t>(bits >> 1) ^ -<int64_t>(bits & 1)
        shift += 7
    raise RefusedError("an integer ends too early, or never")

cdef inline uint64_t take_count(Input* source) except? 1:
    """Items in the next block; 0 ends an array or a map."""
    cdef int64_t count = take_long(source)
    if count < 0:
        take_long(source)  # the size of the block in bytes, for who skips it
        return -<uint64_t>count
    return count

cdef inline int use_part(Input* source) except -1:
    source.parts -= 1
    if source.parts < 0:
        raise TooManyPartsError("too many parts")
    return 0

cdef inline bint has_next(Input* source, uint64_t* left) except -1:
    """Whether another part follows in an array or a map; ``left`` of its block, 0 at first."""
    if left[0] == 0:
        left[0] = take_count(source)
        if left[0] == 0:
            return False
    left[0] -= 1
    use_part(source)
    return True

cdef int put(Output* target, const void* data, size_t size) except -1:
    cdef size_t room
    cdef char* grown
    if target.room - target.size < size:
        room = 2 * (target.room + size) + 64
        grown = <char*>realloc(target.data, room)
        if grown is NULL:
            raise MemoryError
        target.data, target.room = grown, room
    memcpy(target.data + target.size, data, size)
    target.size += size
    return 0

cdef int put_long(Output* target, int64_t value) except -1:
    cdef uint8_t[10] bytes_
    cdef int count = 0
    cdef uint64_t bits = (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)
    while bits > 0x7F:
        bytes_[count] = <uint8_t>(bits & 0x7F) | 0x80
        bits >>= 7
        count += 1
    bytes_[count] = <uint8_t>bits
    return put(target, bytes_, count + 1)

cdef int put_text(Output* target, object value) except -1:
    cdef Py_ssize_t size
    cdef const char* data
    if type(value) is not str:
        raise RefusedError("no text")
    data = PyUnicode_AsUTF8AndSize(value, &size)
    put_long(target, size)
    return put(target, data, size)

cdef class Node:
    """One type. ``takes`` are the Python types that fastavro may accept for it, as a branch of a union."""
    cdef tuple takes

    cdef object read(self, Input* source):
        raise NotImplementedError

    cdef int write(self, Output* target, object value) except -1:
        raise NotImplementedError

cdef class Null(Node):
    cdef object read(self, Input* source):
        return None

    cdef int write(self, Output* target, object value) except -1:
        if value is not None:
            raise RefusedError("not null")
        return 0

cdef class Boolean(Node):
    cdef object read(self, Input* source):
        return take(source, 1)[0] != 0

    cdef int write(self, Output* target, object value) except -1:
        cdef char byte = value is True
        if type(value) is not bool:
            raise RefusedError("no boolean")
        return put(target, &byte, 1)

cdef class Integer(Node):
    cdef int64_t least, most

    def __init__(self, bits):
        self.least, self.most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1

    cdef object read(self, Input* source):
        return take_long(source)

    cdef int write(self, Output* target, object value) except -1:
        cdef int64_t number
        if type(value) is not int:
            raise RefusedError("no integer")
        number = value
        if not self.least <= number <= self.most:
            raise RefusedError("too large")
        return put_long(target, number)

cdef class Float(Node):
    cdef bint double_

    def __init__(self, double_):
        self.double_ = double_

    cdef object read(self, Input* source):
        cdef float single
        cdef double number
        if self.double_:
            memcpy(&number, take(source, 8), 8)
            return number
        memcpy(&single, take(source, 4), 4)
        return single

    cdef int write(self, Output* target, object value) except -1:
        cdef double number
        cdef float single
        if type(value) is not float and type(value) is not int:
            raise RefusedError("no number")
        number, single = value, value
        return put(target, &number, 8) if self.double_ else put(target, &single, 4)

cdef class Text(Node):
    cdef object read(self, Input* source):
        cdef int64_t size = take_long(source)
        cdef const char* data = <const char*>take(source, size)
        text = PyUnicode_DecodeUTF8(data, size, NULL)
        keep_utf8(text, data, size)
        return text

    cdef int write(self, Output* target, object value) except -1:
        return put_text(target, value)

cdef class Bytes(Node):
    cdef object read(self, Input* source):
        cdef int64_t size = take_long(source)
        return PyBytes_FromStringAndSize(<const char*>take(source, size), size)

    cdef int write(self, Output* target, object value) except -1:
        if type(value) is not bytes:
            raise RefusedError("no bytes")
        put_long(target, PyBytes_GET_SIZE(value))
        return put(target, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value))

cdef class Fixed(Node):
    cdef Py_ssize_t size

    def __init__(self, size):
        self.size = size

    cdef object read(self, Input* source):
        return PyBytes_FromStringAndSize(<const char*>take(source, self.size), self.size)

    cdef int write(self, Output* target, object value) except -1:
        if type(value) is not bytes or PyBytes_GET_SIZE(value) != self.size:
            raise RefusedError("not of its length")
        return put(target, PyBytes_AS_STRING(value), self.size)

cdef class Enum(Node):
    cdef list symbols
    cdef dict places

    def __init__(self, symbols):
        self.symbols = [str(symbol) for symbol in symbols]
        self.places = {symbol: place for place, symbol in enumerate(self.symbols)}

    cdef object read(self, Input* source):
        cdef int64_t place = take_long(source)
        if not 0 <= place < len(self.symbols):
            raise RefusedError("no such symbol")
        return self.symbols[place]

    cdef int write(self, Output* target, object value) except -1:
        if type(value) is not str:
            raise RefusedError("no symbol")
        return put_long(target, self.places[value])

cdef class Array(Node):
    cdef Node item

    cdef object read(self, Input* source):
        cdef list items = []
        cdef uint64_t left = 0
        while has_next(source, &left):
            items.append(self.item.read(source))
        return items

    cdef int write(self, Output* target, object value) except -1:
        if type(value) is not list:
            raise RefusedError("no list")
        if value:
            put_long(target, len(<list>value))
            for item in <list>value:
                self.item.write(target, item)
        return put_long(target, 0)

cdef class Map(Node):
    cdef Node item

    cdef object read(self, Input* source):
        cdef dict items = {}
        cdef uint64_t left = 0
        cdef int64_t size
        while has_next(source, &left):
            size = take_long(source)
            key = PyUnicode_DecodeUTF8(<const char*>take(source, size), size, NULL)
            items[key] = self.item.read(source)
        return items

    cdef int write(self, Output* target, object value) except -1:
        if type(value) is not dict:
            raise RefusedError("no dict")
        if value:
            put_long(target, len(<dict>value))
            for key, item in (<dict>value).items():
                put_text(target, key)
                self.item.write(target, item)
        return put_long(target, 0)

cdef class Union(Node):
    """Writes where a value can only be of one branch; of which of several it is, fastavro decides."""
    cdef list branches
    cdef Py_ssize_t null, only
    cdef dict by_type

    cdef int branch_out(self, list branches) except -1:
        cdef Node branch
        self.branches, self.by_type, self.null = branches, {}, -1
        for place, branch in enumerate(branches):
            if type(branch) is Null:
                self.null = place
        others = [place for place in range(len(branches)) if place != self.null]
        self.only = others[0] if len(others) == 1 else -1
        taken = [one for place in others for one in (<Node>branches[place]).takes]
        if object not in taken:
            self.by_type = {
                one: place for place in others for one in (<Node>branches[place]).takes if taken.count(one) == 1
            }
        return 0

    cdef object read(self, Input* source):
        cdef int64_t place = take_long(source)
        if not 0 <= place < len(self.branches):
            raise RefusedError("no such branch")
        return (<Node>self.branches[place]).read(source)

    cdef int write(self, Output* target, object value) except -1:
        cdef Py_ssize_t place = self.only
        if value is None:
            if self.null < 0:
                raise RefusedError("not null")
            return put_long(target, self.null)
        if place < 0:
            place = self.by_type.get(type(value), -1)
            if place < 0:
                raise RefusedError("no branch, or one of several")
        put_long(target, place)
        return (<Node>self.branches[place]).write(target, value)

cdef class Record(Node):
    cdef list names, nodes
    cdef dict defaults, blank  # the latter with all names, so that it need not grow
    cdef Py_ssize_t count

    cdef object read(self, Input* source):
        cdef dict value = PyDict_Copy(self.blank)
        cdef Py_ssize_t place
        use_part(source)
        for place in range(self.count):
            PyDict_SetItem(value, self.names[place], (<Node>self.nodes[place]).read(source))
        return value

    cdef int write(self, Output* target, object value) except -1:
        cdef PyObject* found
        cdef Py_ssize_t place
        if type(value) is not dict or "-type" in <dict>value:  # a hint which branch of a union it is
            raise RefusedError("no plain dict")
        for place in range(self.count):
            found = PyDict_GetItemWithError(<dict>value, self.names[place])
            item = <object>found if found is not NULL else self.defaults[self.names[place]]
            (<Node>self.nodes[place]).write(target, item)
        return 0

cdef class Logical(Node):
    """A logical type by fastavro's own functions over the node of its base."""
    cdef Node base
    cdef object reads, writes, schema

    cdef object read(self, Input* source):
        return self.reads(self.base.read(source), self.schema, None)

    cdef int write(self, Output* target, object value) except -1:
        return self.base.write(target, self.writes(value, self.schema))

cdef class Millis(Node):
    """``timestamp-millis`` as a datetime in UTC."""
    cdef Integer base

    cdef object read(self, Input* source):
        cdef int64_t millis = take_long(source), day, rest, years, year, leap
        cdef int month = 1
        day = millis // _DAY - (1 if millis % _DAY < 0 else 0)
        rest = millis - day * _DAY
        day += _EPOCH_DAY
        if not 0 <= day < 3_652_059:
            raise RefusedError("no year from 1 to 9999")
        years, day = day // 146_097 * 400, day % 146_097  # cycles of 400 years, then of 100, 4 and 1
        year = min(day // 36_524, 3)
        years, day = years + year * 100, day - year * 36_524
        years, day = years + day // 1_461 * 4, day % 1_461
        year = min(day // 365, 3)
        years, day = years + year + 1, day - year * 365
        leap = years % 4 == 0 and (years % 100 != 0 or years % 400 == 0)
        while day >= _BEFORE[month] + (leap if month > 1 else 0):
            month += 1
        day -= _BEFORE[month - 1] + (leap if month > 2 else 0)
        return datetime_new(<int>years, month, <int>day + 1, <int>(rest // 3_600_000), <int>(rest // 60_000 % 60),
                            <int>(rest // 1000 % 60), <int>(rest % 1000 * 1000), _UTC)

    cdef int write(self, Output* target, object value) except -1:
        cdef int64_t year, day, seconds
        cdef int month
        if type(value) is not datetime:
            return self.base.write(target, value)
        if datetime_tzinfo(value) is not _UTC:
            raise RefusedError("of another time zone")
        year, month = datetime_year(value), datetime_month(value)
        day = (year - 1) * 365 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400
        day += _BEFORE[month - 1] + datetime_day(value) - 1 - _EPOCH_DAY
        if month > 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
            day += 1
        seconds = datetime_hour(value) * 3600 + datetime_minute(value) * 60 + datetime_second(value)
        return put_long(target, day * _DAY + seconds * 1000 + datetime_microsecond(value) // 1000)

cdef dict _PLAIN = {
    "null": (Null, (), ()), "boolean": (Boolean, (), (bool,)), "int": (Integer, (32,), (int,)),
    "long": (Integer, (64,), (int,)), "float": (Float, (False,), (float, int)), "double": (Float, (True,), (float, int)),
    "string": (Text, (), (str,)), "bytes": (Bytes, (), (bytes,)),
}  # fmt: skip

cdef Node node(object kind, dict named, dict reads, dict writes):
    """The node of a type as fastavro parses it; ``named`` holds those with names so far, None while one is built."""
    cdef Node made, base
    cdef Record record
    cdef Logical logical
    cdef Array array
    cdef Map map_
    cdef Union union
    cdef Millis millis
    if isinstance(kind, list):
        union = Union()
        union.takes = (object,)
        union.branch_out([node(branch, named, reads, writes) for branch in kind])
        return union
    name = kind["type"] if isinstance(kind, dict) else kind
    if not isinstance(name, str):
        raise UnsupportedError("a type in a type")
    key = f"{name}-{kind['logicalType']}" if isinstance(kind, dict) and "logicalType" in kind else ""
    if name in _PLAIN:
        of, arguments, takes = _PLAIN[name]
        made = of(*arguments)
        made.takes = takes
    elif not isinstance(kind, dict):
        if named.get(name) is None:
            raise UnsupportedError(f"{name} is not known, or contains itself")
        return named[name]
    elif name == "array":
        array = made = Array()
        array.item, array.takes = node(kind["items"], named, reads, writes), (list, bytes)
    elif name == "map":
        map_ = made = Map()
        map_.item, map_.takes = node(kind["values"], named, reads, writes), (dict,)
    elif name == "fixed":
        made = Fixed(kind["size"])
        made.takes = (bytes,)
    elif name == "enum":
        made = Enum(kind["symbols"])
        made.takes = (str,)
    elif name in ("record", "error"):
        named[kind["name"]] = None
        record = made = Record()
        record.takes, record.count = (dict,), len(kind["fields"])
        record.names = [sys.intern(field["name"]) for field in kind["fields"]]
        record.blank = dict.fromkeys(record.names)
        record.defaults = {field["name"]: field["default"] for field in kind["fields"] if "default" in field}
        record.nodes = [node(field["type"], named, reads, writes) for field in kind["fields"]]
    else:
        raise UnsupportedError(f"the type {name}")
    if key == "long-timestamp-millis":
        millis = Millis()
        millis.base, made = made, millis
    elif key in reads and key in writes:
        logical = Logical()
        logical.base, logical.schema, logical.reads, logical.writes = made, kind, reads[key], writes[key]
        made = logical
    if made.takes is None:
        made.takes = (object,)  # of which types a logical type makes something is fastavro's to say
    if isinstance(kind, dict) and "name" in kind:
        named[kind["name"]] = made
    return made

cdef class Codec:
    """Reads and writes values of one schema. Not thread-safe.

    Args:
        schema: as fastavro parsed it.
        reads, writes: fastavro's functions for logical types.
        parts: how many items, entries and records the bytes of one value may hold.

    Raises:
        UnsupportedError: the schema needs what only fastavro does.
    """
    cdef Node root
    cdef Output target
    cdef int64_t parts

    def __init__(self, schema, dict reads, dict writes, int64_t parts):
        if sys.byteorder != "little":
            raise UnsupportedError("a machine of another byte order")
        self.root, self.parts = node(schema, {}, reads, writes), parts

    def __dealloc__(self):
        free(self.target.data)

    def read(self, bytes data, Py_ssize_t start):
        """The value that begins at ``start`` and fills the rest of ``data``."""
        cdef Input source
        cdef const uint8_t* first = <const uint8_t*>PyBytes_AS_STRING(data)
        source.at, source.end, source.parts = first + start, first + PyBytes_GET_SIZE(data), self.parts
        if not 0 <= start <= PyBytes_GET_SIZE(data):
            raise RefusedError("begins after its end")
        value = self.root.read(&source)
        if source.at != source.end:
            raise RefusedError("bytes left over")
        return value

    def write(self, bytes prefix, value):
        """``prefix`` and the bytes of ``value``."""
        self.target.size = 0
        put(&self.target, PyBytes_AS_STRING(prefix), PyBytes_GET_SIZE(prefix))
        self.root.write(&self.target, value)
        return PyBytes_FromStringAndSize(self.target.data, self.target.size)

def visit_fields(list fields, dict value):
    """As ``glue.privacy.scrub`` says; a text that is too long to be known is not looked up, as that would read all of it."""
    cdef PyObject* found
    for field in fields:
        name, visit, known, holds, _ = <tuple>field
        found = PyDict_GetItemWithError(value, name)
        if found is NULL:
            continue
        given = <object>found
        if visit is None:
            del value[name]
        elif type(given) is not holds or not are_known(<set>known, given):
            value[name] = visit(given)

cdef inline bint are_known(set known, given) except -1:
    if type(given) is str:
        return len(<str>given) <= 128 and given in known
    if type(given) is not list:
        return known.issuperset(given)
    for text in <list>given:
        if text not in known:
            return False
    return True

def utf8(text):
    """``str.encode``, which Python then keeps with the text: who writes it later, as Avro say, need not do it again."""
    cdef Py_ssize_t size
    cdef const char* data = PyUnicode_AsUTF8AndSize(text, &size)
    return PyBytes_FromStringAndSize(data, size)

cdef void put_digits(char* end, int number, int count) noexcept:
    for _ in range(count):
        end -= 1
        end[0] = <char>(48 + number % 10)
        number //= 10

def iso(when):
    """ISO 8601 in UTC with milliseconds and a Z, as Weaviate's date type reads it (RFC 3339)."""
    cdef char[24] text
    if type(when) is not datetime or datetime_tzinfo(when) is not _UTC:
        return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    memcpy(text, b"0000-00-00T00:00:00.000Z", 24)
    put_digits(text + 4, datetime_year(when), 4)
    put_digits(text + 7, datetime_month(when), 2)
    put_digits(text + 10, datetime_day(when), 2)
    put_digits(text + 13, datetime_hour(when), 2)
    put_digits(text + 16, datetime_minute(when), 2)
    put_digits(text + 19, datetime_second(when), 2)
    put_digits(text + 23, datetime_microsecond(when) // 1000, 3)
    return PyUnicode_DecodeASCII(text, 24, NULL)

cdef class Words:
    """Words of two to twelve small letters of ASCII and what each counts: see ``glue.transforms.language``."""
    cdef uint64_t[1024] words  # five bits a letter; each at its place or after it
    cdef int64_t[1024] scores

    def __init__(self, dict scores):
        cdef uint64_t word
        cdef Py_ssize_t place
        fit = [1 < len(one) < 13 and one.isascii() and one.isalpha() and one.islower() for one in scores]
        if len(scores) > 512 or not all(fit):
            raise ValueError("too many words, or not of two to twelve small letters")
        for text, score in scores.items():
            word = 0
            for letter in text.encode():
                word = word << 5 | <uint64_t>(letter - 96)
            place = self.place(word)
            self.words[place], self.scores[place] = word, score

    cdef Py_ssize_t place(self, uint64_t word) noexcept:
        cdef Py_ssize_t place = <Py_ssize_t>(word * <uint64_t>0x9E3779B97F4A7C15 >> 54)
        while self.words[place] != 0 and self.words[place] != word:
            place = (place + 1) & 1023
        return place

    def count(self, text):
        """Characters of Bengali, letters of ASCII in words of two or more, and what the words count together."""
        cdef Py_ssize_t size, at, bengali = 0, letters = 0, length = 0
        cdef int64_t score = 0
        cdef uint64_t word = 0
        cdef uint8_t letter
        cdef const uint8_t* data
        try:
            data = <const uint8_t*>PyUnicode_AsUTF8AndSize(text, &size)
        except UnicodeEncodeError:  # half of a pair
            text = text.encode("utf-8", "replace").decode()
            data = <const uint8_t*>PyUnicode_AsUTF8AndSize(text, &size)
        for at in range(size + 1):  # the zero behind it ends the last word
            letter = (data[at] | 32) - 96
            if 1 <= letter <= 26:
                word = word << 5 | letter
                length += 1
                continue
            if length > 1:
                letters += length
                if length < 13:
                    score += self.scores[self.place(word)]
            word = length = 0
            if data[at] == 0xE0 and data[at + 1] | 1 == 0xA7:  # U+0980 to U+09FF
                bengali += 1
        return bengali, letters, score
