# SPDX-License-Identifier: BSD-2-Clause
"""Is what python/dsm/_lib.py says of the library what its headers say? Calls with what they return
and take, members of structures, codes, flags, the version. drift.py SOURCES; needs no NumPy."""

import ctypes
import importlib.util
import re
import sys
import types
from pathlib import Path

TOP = Path(sys.argv[1])
HEADERS = ["dsm.h", "dsm_bind.h", "dsm_coll.h", "dsm_futex.h", "dsm_latency.h"]
failures = 0


def wrong(text):
    global failures
    failures += 1
    print("drift:", text)


def load():
    """_lib.py without the package around it, which wants NumPy."""
    package = types.ModuleType("dsm")
    package.__path__ = [str(TOP / "python/dsm")]
    sys.modules["dsm"] = package
    return importlib.import_module("dsm._lib")


def kind_in_c(text):
    """The kind of a declaration without its name: what matters to who calls it."""
    text = re.sub(r"\bconst\b", "", text).strip()
    if text.count("*"):
        pointee = text.replace("*", "").split()
        words = {"uint32_t": "u32 *", "uint64_t": "u64 *", "int32_t": "i32 *", "int64_t": "i64 *",
                 "double": "double *"}
        return "char *" if pointee == ["char"] else words.get(" ".join(pointee), "pointer")
    names = {"int": "int", "unsigned": "unsigned", "size_t": "size_t", "uint32_t": "u32",
             "uint64_t": "u64", "void": "void", "dsm_mutex": "mutex", "dsm_cond": "cond",
             "enum dsm_log_level": "int", "dsm_log_fn": "function", "dsm_allgather_fn": "function",
             "enum dsm_op": "int", "enum dsm_type": "int", "double": "double"}
    return names.get(text, f"unknown: {text}")


def kind_in_python(lib, kind):
    names = {None: "void", ctypes.c_int: "int", ctypes.c_uint32: "u32",
             ctypes.c_uint64: "u64",
             ctypes.c_double: "double", ctypes.c_char_p: "char *", ctypes.c_void_p: "pointer",
             lib.Mutex: "mutex", lib.Cond: "cond", lib.LOG_FN: "function", lib.ALLGATHER_FN: "function"}
    if kind in names:
        return names[kind]
    if hasattr(kind, "_length_"):
        return f"{kind_in_python(lib, kind._type_)}[{kind._length_}]"
    pointee = getattr(kind, "_type_", None)
    words = {ctypes.c_uint32: "u32 *", ctypes.c_uint64: "u64 *", ctypes.c_int32: "i32 *",
             ctypes.c_int64: "i64 *", ctypes.c_double: "double *"}
    return words.get(pointee, "pointer")


def same(c, python):
    # For ctypes these are one; and c_void_p takes any address.
    c = {"size_t": "u64", "unsigned": "u32"}.get(c, c)
    return c == python or (python == "pointer" and c.endswith("*"))


def read_headers():
    text = ""
    for name in HEADERS:
        path = TOP / "dsm" / name
        text += path.read_text() if path.exists() else ""
    return re.sub(r"//.*|/\*.*?\*/", " ", text, flags=re.S)


def calls_of(text):
    calls = {}
    found = re.finditer(r"\bDSM_API\s+([^;(]*?[ *])(dsm_\w+)\(([^;]*)\);", text)
    for result, name, arguments in (m.groups() for m in found):
        taken = [] if arguments.strip() == "void" else arguments.split(",")
        # The last word is the argument's name.
        calls[name] = (kind_in_c(result), [kind_in_c(re.sub(r"\w+\s*$", "", a)) for a in taken])
    return calls


def compare_calls(lib, text):
    calls = calls_of(text)
    if len(calls) < 35:
        wrong(f"cannot find the calls: {sorted(calls)}")
    for name in sorted(calls.keys() | lib.PROTOTYPES.keys()):
        if name in lib.NOT_BOUND:
            if name in lib.PROTOTYPES or name not in calls:
                wrong(f"{name} is not to be in NOT_BOUND")
            continue
        if name not in calls or name not in lib.PROTOTYPES:
            wrong(f"{name} is in {'the headers' if name in calls else '_lib.py'} only")
            continue
        result, arguments = lib.PROTOTYPES[name]
        python = [kind_in_python(lib, kind) for kind in [result, *arguments]]
        c = [calls[name][0], *calls[name][1]]
        if len(c) != len(python) or not all(map(same, c, python)):
            wrong(f"{name}: {c} in the headers, {python} in _lib.py")
    return len(calls)


def compare_structures(lib, text):
    for name, python in [("dsm_config", lib.Config), ("dsm_stats", lib.Stats),
                         ("dsm_mutex", lib.Mutex), ("dsm_cond", lib.Cond),
                         ("dsm_latency", lib.Latency)]:
        body = re.search(r"struct %s \{(.*?)\}" % name, text, flags=re.S).group(1)
        c = []
        for line in filter(None, map(str.strip, body.split(";"))):
            first, *others = line.split(",")
            kind, member, many = re.match(r"(.*?)(\w+)(\[\w+\])?\s*$", first, flags=re.S).groups()
            many = many.replace("DSM_LATENCY_BUCKETS", str(lib.LATENCY_BUCKETS)) if many else ""
            for member in [member, *map(str.strip, others)]:
                c.append((member, kind_in_c(" ".join(kind.split())) + many))
        mine = [(member, kind_in_python(lib, kind)) for member, kind in python._fields_]
        if [m for m, _ in c] != [m for m, _ in mine]:
            wrong(f"struct {name} has other members: {c} in the header, {mine} in _lib.py")
        elif not all(same(a, b) for (_, a), (_, b) in zip(c, mine)):
            wrong(f"struct {name} has members of other types: {c} in dsm.h, {mine} in _lib.py")


def compare_numbers(lib, text):
    codes = {name: int(n) for name, n in
             re.findall(r"\bDSM_ERR_(\w+)(?:\s*=\s*|\s+\()(-\d+)", text)}
    if codes != {code.name: code.value for code in lib.Code}:
        wrong(f"the codes are {codes}")
    numbers = {name: int(n) for name, n in re.findall(r"\bDSM_(\w+)\s*=\s*(\d+)\s*[,}]", text)}
    numbers.update({name: int(n) for name, n in re.findall(r"#define DSM_(\w+) (\d+)", text)})
    for enum in "dsm_log_level", "dsm_type", "dsm_op":
        body = re.search(r"enum %s \{(.*?)\}" % enum, text).group(1)
        first = int("= 1" in body)
        names = [name.split("=")[0].strip()[4:] for name in body.split(",")]
        numbers.update({name: first + i for i, name in enumerate(names)})
    for name in """HUGE HUGE_PREFERRED KEEP2 PIN_READ PIN_WRITE LOG_ERROR LOG_WARN LOG_INFO LOG_DEBUG
            LOG_TRACE INT32 UINT32 INT64 UINT64 DOUBLE SUM MIN MAX COLL_BYTES
            LATENCY_BUCKETS""".split():
        if numbers.get(name) != getattr(lib, name):
            wrong(f"DSM_{name} is {numbers.get(name)}")


lib = load()
text = read_headers()
count = compare_calls(lib, text)
compare_structures(lib, text)
compare_numbers(lib, text)
configure = (TOP / "configure.ac").read_text()
version = re.search(r"AC_INIT\(\[libdsm\], \[(.*?)\]\)", configure).group(1)
if version != lib.__version__:
    wrong(f"configure.ac has version {version}, _lib.py {lib.__version__}")
if failures:
    sys.exit(1)
print(f"drift: {count} calls are the headers'")
