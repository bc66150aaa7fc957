# Fuzz targets: one LLVMFuzzerTestOneInput a parser, tests/fuzz/fuzz_<parser>.c, its seeds in
# tests/fuzz/corpus/<parser>/. With --enable-fuzzers each becomes a libFuzzer program; without,
# replay.c is its main and `make check` runs it over the seeds. To add one:
#	fuzz_targets += tests/fuzz/fuzz_x
#	tests_fuzz_fuzz_x_SOURCES = tests/fuzz/fuzz_x.c $(fuzz_main)
#	tests_fuzz_fuzz_x_LDADD = base/libbase.a ... $(YAJL_LIBS) $(FUZZ_LIBS)
fuzz_targets = \
	tests/fuzz/fuzz_cli \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_network \
	tests/fuzz/fuzz_nft \
	tests/fuzz/fuzz_nl \
	tests/fuzz/fuzz_port \
	tests/fuzz/fuzz_spec \
	tests/fuzz/fuzz_state \
	tests/fuzz/fuzz_vmconfig \
	tests/fuzz/fuzz_vmcontrol \
	tests/fuzz/fuzz_vmkernel \
	tests/fuzz/fuzz_vmstream

tests_fuzz_fuzz_cli_SOURCES = tests/fuzz/fuzz_cli.c $(fuzz_main)
tests_fuzz_fuzz_cli_LDADD = cli/libcli.a runtime/libruntime.a cgroups/libcgroups.a \
	base/libbase.a $(SECCOMP_LIBS) $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_main)
tests_fuzz_fuzz_json_LDADD = base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_nft_SOURCES = tests/fuzz/fuzz_nft.c $(fuzz_main)
tests_fuzz_fuzz_nft_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_port_SOURCES = tests/fuzz/fuzz_port.c $(fuzz_main)
tests_fuzz_fuzz_port_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_spec_SOURCES = tests/fuzz/fuzz_spec.c $(fuzz_main)
tests_fuzz_fuzz_spec_LDADD = runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c $(fuzz_main)
tests_fuzz_fuzz_state_LDADD = runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vmconfig_SOURCES = tests/fuzz/fuzz_vmconfig.c $(fuzz_main)
tests_fuzz_fuzz_vmconfig_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vmcontrol_SOURCES = tests/fuzz/fuzz_vmcontrol.c $(fuzz_main)
tests_fuzz_fuzz_vmcontrol_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vmkernel_SOURCES = tests/fuzz/fuzz_vmkernel.c $(fuzz_main)
tests_fuzz_fuzz_vmkernel_LDADD = kvm/libkvm.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_vmstream_SOURCES = tests/fuzz/fuzz_vmstream.c $(fuzz_main)
tests_fuzz_fuzz_vmstream_LDADD = runtime/libruntime.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

include tests/fuzz/virtio.mk

fuzz_targets += tests/fuzz/fuzz_authfile
tests_fuzz_fuzz_authfile_SOURCES = tests/fuzz/fuzz_authfile.c $(fuzz_main)
tests_fuzz_fuzz_authfile_LDADD = images/libimages.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

fuzz_targets += tests/fuzz/fuzz_challenge
tests_fuzz_fuzz_challenge_SOURCES = tests/fuzz/fuzz_challenge.c $(fuzz_main)
tests_fuzz_fuzz_challenge_LDADD = images/libimages.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

fuzz_targets += tests/fuzz/fuzz_registries
tests_fuzz_fuzz_registries_SOURCES = tests/fuzz/fuzz_registries.c $(fuzz_main)
tests_fuzz_fuzz_registries_LDADD = images/libimages.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_network_SOURCES = tests/fuzz/fuzz_network.c $(fuzz_main)
tests_fuzz_fuzz_network_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

tests_fuzz_fuzz_nl_SOURCES = tests/fuzz/fuzz_nl.c $(fuzz_main)
tests_fuzz_fuzz_nl_LDADD = netns/libnetns.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

if FUZZERS
fuzz_main =
seed_tests =
noinst_PROGRAMS += $(fuzz_targets)
else
fuzz_main = tests/fuzz/replay.c
seed_tests = $(fuzz_targets)
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
endif
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/replay.c tests/fuzz/run

fuzz_layer_ldadd = images/libimages.a base/libbase.a $(ISAL_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) \
	$(CRYPTO_LIBS) $(YAJL_LIBS) $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_tar
tests_fuzz_fuzz_tar_SOURCES = tests/fuzz/fuzz_tar.c $(fuzz_main)
tests_fuzz_fuzz_tar_LDADD = $(fuzz_layer_ldadd)
fuzz_targets += tests/fuzz/fuzz_erofs
tests_fuzz_fuzz_erofs_SOURCES = tests/fuzz/fuzz_erofs.c $(fuzz_main)
tests_fuzz_fuzz_erofs_LDADD = $(fuzz_layer_ldadd)

fuzz_targets += tests/fuzz/fuzz_manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c $(fuzz_main)
tests_fuzz_fuzz_manifest_LDADD = $(fuzz_layer_ldadd)
fuzz_targets += tests/fuzz/fuzz_ref
tests_fuzz_fuzz_ref_SOURCES = tests/fuzz/fuzz_ref.c $(fuzz_main)
tests_fuzz_fuzz_ref_LDADD = images/libimages.a base/libbase.a $(YAJL_LIBS) $(FUZZ_LIBS)

# What makes a container's configuration.
fuzz_engine_ldadd = engine/libengine.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_mountspec
tests_fuzz_fuzz_mountspec_SOURCES = tests/fuzz/fuzz_mountspec.c $(fuzz_main)
tests_fuzz_fuzz_mountspec_LDADD = $(fuzz_engine_ldadd)
fuzz_targets += tests/fuzz/fuzz_untar
tests_fuzz_fuzz_untar_SOURCES = tests/fuzz/fuzz_untar.c $(fuzz_main)
tests_fuzz_fuzz_untar_LDADD = engine/libengine.a images/libimages.a netns/libnetns.a \
	runtime/libruntime.a cgroups/libcgroups.a base/libbase.a $(ISAL_LIBS) $(ZSTD_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) $(SECCOMP_LIBS) $(YAJL_LIBS) $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_user
tests_fuzz_fuzz_user_SOURCES = tests/fuzz/fuzz_user.c $(fuzz_main)
tests_fuzz_fuzz_user_LDADD = $(fuzz_engine_ldadd)
fuzz_targets += tests/fuzz/fuzz_cdi
tests_fuzz_fuzz_cdi_SOURCES = tests/fuzz/fuzz_cdi.c $(fuzz_main)
tests_fuzz_fuzz_cdi_LDADD = $(fuzz_engine_ldadd)
fuzz_targets += tests/fuzz/fuzz_seccomp
tests_fuzz_fuzz_seccomp_SOURCES = tests/fuzz/fuzz_seccomp.c $(fuzz_main)
tests_fuzz_fuzz_seccomp_LDADD = $(fuzz_engine_ldadd)
fuzz_targets += tests/fuzz/fuzz_frame
tests_fuzz_fuzz_frame_SOURCES = tests/fuzz/fuzz_frame.c $(fuzz_main)
tests_fuzz_fuzz_frame_LDADD = $(fuzz_engine_ldadd)
fuzz_targets += tests/fuzz/fuzz_log
tests_fuzz_fuzz_log_SOURCES = tests/fuzz/fuzz_log.c $(fuzz_main)
tests_fuzz_fuzz_log_LDADD = $(fuzz_engine_ldadd)
