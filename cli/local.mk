noinst_LIBRARIES += cli/libcli.a
cli_libcli_a_SOURCES = \
	cli/alias.c cli/alias.h \
	cli/caisson.h \
	cli/caisson_prog.c \
	cli/cmd.c cli/cmd.h \
	cli/cmd_attach.c \
	cli/cmd_check.c \
	cli/cmd_commit.c \
	cli/cmd_completion.c \
	cli/cmd_container_prune.c \
	cli/cmd_cp.c \
	cli/cmd_diff.c \
	cli/cmd_events.c \
	cli/cmd_exec.c \
	cli/cmd_export.c \
	cli/cmd_help.c \
	cli/cmd_history.c \
	cli/cmd_image_inspect.c \
	cli/cmd_image_mount.c \
	cli/cmd_image_prune.c \
	cli/cmd_image_verify.c \
	cli/cmd_images.c \
	cli/cmd_import.c \
	cli/cmd_inspect.c \
	cli/cmd_kill.c \
	cli/cmd_load.c \
	cli/cmd_login.c \
	cli/cmd_logout.c \
	cli/cmd_logs.c \
	cli/cmd_missing.c \
	cli/cmd_network_attach.c \
	cli/cmd_network_connect.c \
	cli/cmd_network_create.c \
	cli/cmd_network_detach.c \
	cli/cmd_network_disconnect.c \
	cli/cmd_network_inspect.c \
	cli/cmd_network_leases.c \
	cli/cmd_network_ls.c \
	cli/cmd_network_prune.c \
	cli/cmd_network_reload.c \
	cli/cmd_network_rm.c \
	cli/cmd_pause.c \
	cli/cmd_port.c \
	cli/cmd_ps.c \
	cli/cmd_pull.c \
	cli/cmd_push.c \
	cli/cmd_rename.c \
	cli/cmd_rm.c \
	cli/cmd_rmi.c \
	cli/cmd_run.c \
	cli/cmd_run_table.c \
	cli/cmd_save.c \
	cli/cmd_start.c \
	cli/cmd_stats.c \
	cli/cmd_stop.c \
	cli/cmd_system_df.c \
	cli/cmd_system_info.c \
	cli/cmd_system_prune.c \
	cli/cmd_tag.c \
	cli/cmd_top.c \
	cli/cmd_update.c \
	cli/cmd_version.c \
	cli/cmd_volume_create.c \
	cli/cmd_volume_inspect.c \
	cli/cmd_volume_ls.c \
	cli/cmd_volume_prune.c \
	cli/cmd_volume_rm.c \
	cli/cmd_wait.c \
	cli/completion.c cli/completion.h \
	cli/container.c cli/container.h \
	cli/ctrfilter.c \
	cli/ctrinspect.c cli/ctrinspect.h \
	cli/ctrstats.c cli/ctrstats.h \
	cli/ctrview.c cli/ctrview.h \
	cli/df.c cli/df.h \
	cli/dryrun.c cli/dryrun.h \
	cli/format.c cli/format.h \
	cli/help.c cli/help.h \
	cli/imgmount.c cli/imgmount.h \
	cli/imguse.c cli/imguse.h \
	cli/imgview.c cli/imgview.h \
	cli/nearest.c cli/nearest.h \
	cli/network.c cli/network.h \
	cli/oci.h \
	cli/oci_create.c \
	cli/oci_delete.c \
	cli/oci_events.c \
	cli/oci_exec.c \
	cli/oci_features.c \
	cli/oci_help.c \
	cli/oci_kill.c \
	cli/oci_list.c \
	cli/oci_match.c \
	cli/oci_missing.c \
	cli/oci_pause.c \
	cli/oci_prog.c \
	cli/oci_ps.c \
	cli/oci_resume.c \
	cli/oci_run.c \
	cli/oci_spec.c \
	cli/oci_start.c \
	cli/oci_state.c \
	cli/oci_update.c \
	cli/opt.c cli/opt.h \
	cli/out.c cli/out.h \
	cli/proctable.c cli/proctable.h \
	cli/progress.c cli/progress.h \
	cli/progress_text.c \
	cli/prune.c cli/prune.h \
	cli/pscols.c cli/pscols.h \
	cli/pstable.c cli/pstable.h \
	cli/regopts.c cli/regopts.h \
	cli/relay.c cli/relay.h \
	cli/runopts.c cli/runopts.h \
	cli/stdio.c cli/stdio.h \
	cli/template.c cli/template.h \
	cli/template_fn.c \
	cli/template_int.h \
	cli/template_parse.c \
	cli/timetext.c cli/timetext.h \
	cli/transfer.c cli/transfer.h \
	cli/value.c cli/value.h \
	cli/volume.c cli/volume.h \
	cli/yaml.c cli/yaml.h

# Linked statically: loading shared libraries would be a third of a container's start.
bin_PROGRAMS += caisson-oci
caisson_oci_SOURCES = cli/oci_main.c
caisson_oci_LDFLAGS = $(CS_STATIC_LDFLAGS) $(CS_EARLY_LDFLAGS)
caisson_oci_LDADD = cli/libcli.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_STATIC_LIBS) -lm

# So is caisson; for what needs libcurl or isa-l it executes the same command line, linked with them.
caisson_libs = cli/libcli.a engine/libengine.a images/libimages.a netns/libnetns.a \
	runtime/libruntime.a cgroups/libcgroups.a base/libbase.a $(ZSTD_LIBS) $(ZLIB_LIBS) \
	$(CRYPTO_LIBS) $(SECCOMP_LIBS) $(YAJL_STATIC_LIBS) -lm
bin_PROGRAMS += caisson
caisson_SOURCES = cli/main.c images/none.c
caisson_LDFLAGS = $(CS_STATIC_LDFLAGS) $(CS_EARLY_LDFLAGS)
caisson_LDADD = $(caisson_libs)

pkglibexec_PROGRAMS += transfer
transfer_SOURCES = cli/main.c
transfer_LDADD = $(caisson_libs) $(ISAL_LIBS)

# A process a container, as long as that lives.
pkglibexec_PROGRAMS += monitor
monitor_SOURCES = engine/monitor_main.c
monitor_LDFLAGS = $(CS_STATIC_LDFLAGS)
monitor_LDADD = engine/libengine.a netns/libnetns.a runtime/libruntime.a cgroups/libcgroups.a \
	base/libbase.a $(SECCOMP_LIBS) $(YAJL_STATIC_LIBS) -lm
