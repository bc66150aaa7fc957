cli_unit_ldadd = cli/libcli.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

unit_tests += \
	tests/unit/cli/test_alias \
	tests/unit/cli/test_cmd \
	tests/unit/cli/test_completion \
	tests/unit/cli/test_early \
	tests/unit/cli/test_features \
	tests/unit/cli/test_oci \
	tests/unit/cli/test_opt \
	tests/unit/cli/test_out \
	tests/unit/cli/test_progress \
	tests/unit/cli/test_pscols \
	tests/unit/cli/test_spec \
	tests/unit/cli/test_template \
	tests/unit/cli/test_timetext \
	tests/unit/cli/test_value \
	tests/unit/cli/test_yaml

tests_unit_cli_test_cmd_SOURCES = tests/unit/cli/test_cmd.c
tests_unit_cli_test_cmd_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_cmd_LDADD = $(cli_unit_ldadd)

# Both command lines, so all that caisson is made of.
tests_unit_cli_test_early_SOURCES = tests/unit/cli/test_early.c
tests_unit_cli_test_early_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_early_LDADD = $(caisson_libs) $(ISAL_LIBS) $(CHECK_LIBS)

tests_unit_cli_test_features_SOURCES = tests/unit/cli/test_features.c
tests_unit_cli_test_features_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_features_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_oci_SOURCES = tests/unit/cli/test_oci.c
tests_unit_cli_test_oci_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_oci_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_opt_SOURCES = tests/unit/cli/test_opt.c
tests_unit_cli_test_opt_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_opt_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_out_SOURCES = tests/unit/cli/test_out.c
tests_unit_cli_test_out_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_out_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_pscols_SOURCES = tests/unit/cli/test_pscols.c
tests_unit_cli_test_pscols_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_pscols_LDADD = $(cli_unit_ldadd)


tests_unit_cli_test_spec_SOURCES = tests/unit/cli/test_spec.c
tests_unit_cli_test_spec_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_spec_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_timetext_SOURCES = tests/unit/cli/test_timetext.c
tests_unit_cli_test_timetext_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_timetext_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_completion_SOURCES = tests/unit/cli/test_completion.c
tests_unit_cli_test_completion_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_completion_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_value_SOURCES = tests/unit/cli/test_value.c
tests_unit_cli_test_value_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_value_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_progress_SOURCES = tests/unit/cli/test_progress.c
tests_unit_cli_test_progress_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_progress_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_template_SOURCES = tests/unit/cli/test_template.c
tests_unit_cli_test_template_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_template_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_alias_SOURCES = tests/unit/cli/test_alias.c
tests_unit_cli_test_alias_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_alias_LDADD = $(cli_unit_ldadd)

tests_unit_cli_test_yaml_SOURCES = tests/unit/cli/test_yaml.c
tests_unit_cli_test_yaml_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_cli_test_yaml_LDADD = $(cli_unit_ldadd)
