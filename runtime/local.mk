noinst_LIBRARIES += runtime/libruntime.a
runtime_libruntime_a_SOURCES = \
	runtime/attend.c runtime/attend.h \
	runtime/commands.c \
	runtime/container.c runtime/container.h \
	runtime/create.c \
	runtime/defaults.c runtime/defaults.h \
	runtime/exec.c \
	runtime/execproc.c runtime/execproc.h \
	runtime/info.c runtime/info.h \
	runtime/isolation.c runtime/isolation.h \
	runtime/lock.c runtime/lock.h \
	runtime/mountopt.c runtime/mountopt.h \
	runtime/notify.c runtime/notify.h \
	runtime/ns/caps.c runtime/ns/caps.h \
	runtime/ns/clone.c runtime/ns/clone.h \
	runtime/ns/devnodes.c runtime/ns/devnodes.h \
	runtime/ns/exec.c runtime/ns/exec.h \
	runtime/ns/execcg.c runtime/ns/execcg.h \
	runtime/ns/hooks.c runtime/ns/hooks.h \
	runtime/ns/idmap.c runtime/ns/idmap.h \
	runtime/ns/init.c runtime/ns/init.h \
	runtime/ns/join.c runtime/ns/join.h \
	runtime/ns/keyring.c runtime/ns/keyring.h \
	runtime/ns/launch.c runtime/ns/launch.h \
	runtime/ns/limits.c runtime/ns/limits.h \
	runtime/ns/lsm.c runtime/ns/lsm.h \
	runtime/ns/maskpaths.c runtime/ns/maskpaths.h \
	runtime/ns/mount_cgroup.c \
	runtime/ns/mount_fds.c \
	runtime/ns/mount_idmap.c \
	runtime/ns/mount_long.c \
	runtime/ns/mount_make.c \
	runtime/ns/mount_new.c \
	runtime/ns/mount_prepare.c \
	runtime/ns/mount_target.c \
	runtime/ns/mounts.c runtime/ns/mounts.h \
	runtime/ns/mounts_int.h \
	runtime/ns/netdev.c runtime/ns/netdev.h \
	runtime/ns/process.c runtime/ns/process.h \
	runtime/ns/procfs.c runtime/ns/procfs.h \
	runtime/ns/rdt.c runtime/ns/rdt.h \
	runtime/ns/rdt_int.h \
	runtime/ns/rootfs.c runtime/ns/rootfs.h \
	runtime/ns/rootfs_hide.c \
	runtime/ns/rtnl.c runtime/ns/rtnl.h \
	runtime/ns/sched.c \
	runtime/ns/seccomp.c runtime/ns/seccomp.h \
	runtime/ns/seccomp_build.c runtime/ns/seccomp_int.h \
	runtime/ns/seccomp_cache.c \
	runtime/ns/seccomp_load.c runtime/ns/seccomp_load.h \
	runtime/ns/seccomp_pack.c \
	runtime/ns/seccomp_spans.c \
	runtime/ns/early.c runtime/ns/early.h \
	runtime/ns/self.c runtime/ns/self.h \
	runtime/ns/serve.c runtime/ns/serve.h \
	runtime/ns/setup.h \
	runtime/ns/socket.c runtime/ns/socket.h \
	runtime/ns/sync.c runtime/ns/sync.h \
	runtime/ns/sysctl.c runtime/ns/sysctl.h \
	runtime/ns/tmpcopyup.c \
	runtime/ns/tty.c runtime/ns/tty.h \
	runtime/ns/tty_proxy.c \
	runtime/ns/unixsock.c runtime/ns/unixsock.h \
	runtime/ns/wall.c \
	runtime/passwd.c runtime/passwd.h \
	runtime/spec.c runtime/spec.h \
	runtime/spec_caps.c \
	runtime/spec_check.c \
	runtime/spec_devices.c \
	runtime/spec_hooks.c \
	runtime/spec_int.h \
	runtime/spec_linux.c \
	runtime/spec_mounts.c \
	runtime/spec_process.c \
	runtime/spec_sched.c \
	runtime/spec_seccomp.c \
	runtime/spec_sets.c \
	runtime/spec_tuning.c \
	runtime/spec_util.c \
	runtime/spec_vm.c \
	runtime/state.c runtime/state.h \
	runtime/teardown.c runtime/teardown.h \
	runtime/vm/ask.c \
	runtime/vm/command.c \
	runtime/vm/config.c \
	runtime/vm/create.c \
	runtime/vm/exec.c \
	runtime/vm/frame.c runtime/vm/frame.h \
	runtime/vm/host.h \
	runtime/vm/keeper.c runtime/vm/keeper_int.h \
	runtime/vm/machine.c \
	runtime/vm/package.c \
	runtime/vm/ps.c \
	runtime/vm/request.h \
	runtime/vm/share.c \
	runtime/vm/size.c \
	runtime/vm/stream.c runtime/vm/stream.h \
	runtime/vm/term.c \
	runtime/vm/wall.c

# PID 1 of a machine that a container runs in.
pkglibexec_PROGRAMS += guest-init
guest_init_SOURCES = \
	runtime/vm/guest/agent.h \
	runtime/vm/guest/job.c \
	runtime/vm/guest/main.c \
	runtime/vm/guest/net.c \
	runtime/vm/guest/proc.c \
	runtime/vm/guest/ps.c \
	runtime/vm/guest/setup.c \
	runtime/vm/guest/work.c
guest_init_LDFLAGS = $(CS_STATIC_LDFLAGS)
guest_init_LDADD = runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_STATIC_LIBS)
