noinst_LIBRARIES += engine/libengine.a
engine_libengine_a_SOURCES = \
	engine/attach.c engine/attach.h \
	engine/attach_int.h \
	engine/attach_keys.c \
	engine/attach_tty.c \
	engine/apparmor.c engine/apparmor.h \
	engine/autostart.c engine/autostart.h \
	engine/bring.c engine/bring.h \
	engine/cdi.c engine/cdi.h \
	engine/cdi_edit.c \
	engine/cdi_int.h \
	engine/cgnote.c engine/cgnote.h \
	engine/cgpath.c engine/cgpath.h \
	engine/check.c engine/check.h \
	engine/check_cgroups.c \
	engine/check_cpu.c \
	engine/check_erofs.c \
	engine/check_host.c \
	engine/check_ids.c \
	engine/check_int.h \
	engine/check_net.c \
	engine/check_run.c \
	engine/check_storage.c \
	engine/check_vm.c \
	engine/commit.c engine/commit.h \
	engine/config.c engine/config.h \
	engine/config_caps.c \
	engine/config_devices.c \
	engine/config_int.h \
	engine/config_limits.c \
	engine/config_mounts.c \
	engine/config_ns.c \
	engine/config_process.c \
	engine/config_resources.c \
	engine/config_security.c \
	engine/config_vm.c \
	engine/copytree.c engine/copytree.h \
	engine/cp.c engine/cp.h \
	engine/create.c engine/create.h \
	engine/ctrroot.c engine/ctrroot.h \
	engine/ctrview.c engine/ctrview.h \
	engine/ctrvolumes.c engine/ctrvolumes.h \
	engine/diff.c engine/diff.h \
	engine/engine.c engine/engine.h \
	engine/envfile.c engine/envfile.h \
	engine/etcfiles.c engine/etcfiles.h \
	engine/eventread.c engine/eventread.h \
	engine/events.c engine/events.h \
	engine/follow.c engine/follow.h \
	engine/frame.c engine/frame.h \
	engine/holder.c engine/holder.h \
	engine/imageconf.c engine/imageconf.h \
	engine/join.c engine/join.h \
	engine/libexec.c engine/libexec.h \
	engine/life.c engine/life.h \
	engine/life_int.h \
	engine/log.c engine/log.h \
	engine/logjson.c engine/logjson.h \
	engine/logopt.c \
	engine/logparse.c \
	engine/logread.c engine/logread.h \
	engine/mon.c \
	engine/mon_child.c \
	engine/mon_client.c \
	engine/mon_int.h \
	engine/mon_io.c \
	engine/mon_loop.c \
	engine/mon_oom.c \
	engine/monitor.h \
	engine/mountspec.c engine/mountspec.h \
	engine/mountspec_csv.c \
	engine/mountspec_int.h \
	engine/mountspec_tmpfs.c \
	engine/nets.c engine/nets.h \
	engine/orphans.c engine/orphans.h \
	engine/pidfile.c engine/pidfile.h \
	engine/prepare.c engine/prepare.h \
	engine/record.c engine/record.h \
	engine/remove.c \
	engine/restart.c engine/restart.h \
	engine/seccomp_default.c engine/seccomp_default.h \
	engine/seccomp_int.h \
	engine/seccomp_profile.c \
	engine/share.c engine/share.h \
	engine/sock.c engine/sock.h \
	engine/stamp.c engine/stamp.h \
	engine/start.c \
	engine/status.c engine/status.h \
	engine/store.c engine/store.h \
	engine/strv.c engine/strv.h \
	engine/tail.c engine/tail.h \
	engine/untar.c engine/untar.h \
	engine/update.c \
	engine/usage.c engine/usage.h \
	engine/user.c engine/user.h \
	engine/userns.c engine/userns.h \
	engine/volume.c engine/volume.h \
	engine/volume_int.h \
	engine/volume_list.c

# PID 1 of a container run with --init: static, since it runs in the container's root.
pkglibexec_PROGRAMS += caisson-init
caisson_init_SOURCES = engine/init_main.c
caisson_init_LDFLAGS = $(CS_STATIC_LDFLAGS)

# What starts containers when the machine boots, where systemd looks for units.
systemunitdir = $(prefix)/lib/systemd/system
nodist_systemunit_DATA = engine/caisson-autostart.service
engine/caisson-autostart.service: engine/caisson-autostart.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) engine && \
		sed 's|[@]bindir[@]|$(bindir)|' $(srcdir)/engine/caisson-autostart.service.in >$@
CLEANFILES += engine/caisson-autostart.service
EXTRA_DIST += engine/caisson-autostart.service.in
