#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""confine.py PROFILE COMMAND...: runs a command under a seccomp profile as containers have it.

The profile is in the form that Docker, Podman and Kubernetes read, and is made into a filter by
libseccomp, as they do. confine.py --default prints one that is like their default ones in what
matters here. Status 77: there is no libseccomp for Python.
"""
import errno
import json
import os
import sys

try:
    import seccomp
except ImportError:
    print("not installed: python3-seccomp")
    sys.exit(77)

# What a container's root has of capabilities, unless it was given more.
CAPS = {"CAP_" + c for c in """AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD
    NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT""".split()}
# What the default profiles forbid a process with these.
FORBIDDEN = set("""acct add_key bpf clock_settime create_module delete_module fanotify_init
    finit_module get_mempolicy init_module io_uring_enter io_uring_register io_uring_setup ioperm
    iopl kcmp kexec_file_load kexec_load keyctl lookup_dcookie mbind migrate_pages mount
    move_pages nfsservctl open_by_handle_at perf_event_open pivot_root process_madvise
    process_vm_readv process_vm_writev ptrace quotactl reboot request_key set_mempolicy setns
    settimeofday swapoff swapon sysfs umount2 unshare uselib userfaultfd ustat vhangup
    vmsplice""".split())
ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
OPS = {"SCMP_CMP_NE": seccomp.NE, "SCMP_CMP_LT": seccomp.LT, "SCMP_CMP_LE": seccomp.LE,
       "SCMP_CMP_EQ": seccomp.EQ, "SCMP_CMP_GE": seccomp.GE, "SCMP_CMP_GT": seccomp.GT,
       "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ}


def name(number):
    try:
        found = seccomp.resolve_syscall(seccomp.Arch(), number)
    except ValueError:
        return None
    return found.decode() if isinstance(found, bytes) else found


def default():
    names = {name(n) for n in range(1024)} - FORBIDDEN - {None}
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": errno.ENOSYS, "syscalls": [
        # Podman's has such a rule, so that the error is this one; with Docker all are.
        {"names": sorted(FORBIDDEN), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM},
        {"names": sorted(names), "action": "SCMP_ACT_ALLOW"}]}


def action(rule, key, number, otherwise=errno.EPERM):
    if rule[key] == "SCMP_ACT_ALLOW":
        return seccomp.ALLOW
    if rule[key] != "SCMP_ACT_ERRNO":
        sys.exit("confine: unknown action " + rule[key])
    return seccomp.ERRNO(rule.get(number, otherwise))


def applies(rule):
    arch = ARCHES.get(os.uname().machine)
    wanted, unwanted = rule.get("includes") or {}, rule.get("excludes") or {}
    return (set(wanted.get("caps") or ()) <= CAPS and
            ("arches" not in wanted or arch in wanted["arches"]) and
            not set(unwanted.get("caps") or ()) & CAPS and
            arch not in (unwanted.get("arches") or ()))


def condition(arg):
    if arg["op"] == "SCMP_CMP_MASKED_EQ":
        return seccomp.Arg(arg["index"], seccomp.MASKED_EQ, arg["value"], arg["valueTwo"])
    return seccomp.Arg(arg["index"], OPS[arg["op"]], arg["value"])


def confine(profile):
    otherwise = action(profile, "defaultAction", "defaultErrnoRet")
    made = seccomp.SyscallFilter(otherwise)
    for rule in filter(applies, profile["syscalls"]):
        what = action(rule, "action", "errnoRet")
        conditions = [condition(arg) for arg in rule.get("args") or ()]
        for call in rule["names"]:
            try:
                seccomp.resolve_syscall(seccomp.Arch(), call)
            except ValueError:
                continue  # newer than this libseccomp
            try:
                made.add_rule(what, call, *conditions)
            except RuntimeError as error:
                if error.args[-1] != -errno.EACCES and "-13" not in str(error):
                    raise
                # What is done anyway
    made.load()


if sys.argv[1:] == ["--default"]:
    json.dump(default(), sys.stdout, indent=1)
    sys.exit()
with open(sys.argv[1], encoding="utf-8") as file:
    confine(json.load(file))
os.execvp(sys.argv[2], sys.argv[2:])
