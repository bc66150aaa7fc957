# The tests of what makes a container's configuration.
conf_unit_ldadd = engine/libengine.a runtime/libruntime.a cgroups/libcgroups.a \
	images/libimages.a netns/libnetns.a base/libbase.a $(ISAL_LIBS) $(ZSTD_LIBS) \
	$(ZLIB_LIBS) $(CRYPTO_LIBS) $(SECCOMP_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/engine/test_cdi \
	tests/unit/engine/test_cgpath \
	tests/unit/engine/test_commit \
	tests/unit/engine/test_config \
	tests/unit/engine/test_ctrroot \
	tests/unit/engine/test_envfile \
	tests/unit/engine/test_etcfiles \
	tests/unit/engine/test_imageconf \
	tests/unit/engine/test_mountspec \
	tests/unit/engine/test_record \
	tests/unit/engine/test_store \
	tests/unit/engine/test_user \
	tests/unit/engine/test_volume

tests_unit_engine_test_config_SOURCES = tests/unit/engine/test_config.c
tests_unit_engine_test_config_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_config_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_etcfiles_SOURCES = tests/unit/engine/test_etcfiles.c
tests_unit_engine_test_etcfiles_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_etcfiles_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_imageconf_SOURCES = tests/unit/engine/test_imageconf.c
tests_unit_engine_test_imageconf_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_imageconf_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_mountspec_SOURCES = tests/unit/engine/test_mountspec.c
tests_unit_engine_test_mountspec_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_mountspec_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_user_SOURCES = tests/unit/engine/test_user.c
tests_unit_engine_test_user_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_user_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_envfile_SOURCES = tests/unit/engine/test_envfile.c
tests_unit_engine_test_envfile_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_envfile_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_volume_SOURCES = tests/unit/engine/test_volume.c
tests_unit_engine_test_volume_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_volume_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_cgpath_SOURCES = tests/unit/engine/test_cgpath.c
tests_unit_engine_test_cgpath_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_cgpath_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_cdi_SOURCES = tests/unit/engine/test_cdi.c
tests_unit_engine_test_cdi_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_cdi_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_record_SOURCES = tests/unit/engine/test_record.c
tests_unit_engine_test_record_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_record_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_store_SOURCES = tests/unit/engine/test_store.c
tests_unit_engine_test_store_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_store_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_commit_SOURCES = tests/unit/engine/test_commit.c
tests_unit_engine_test_commit_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_commit_LDADD = $(conf_unit_ldadd)

tests_unit_engine_test_ctrroot_SOURCES = tests/unit/engine/test_ctrroot.c
tests_unit_engine_test_ctrroot_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_engine_test_ctrroot_LDADD = $(conf_unit_ldadd)
