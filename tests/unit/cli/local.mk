cli_unit_ldadd = cli/libcli.a runtime/libruntime.a cgroups/libcgroups.a base/libbase.a \
	$(SECCOMP_LIBS) $(CAP_LIBS) $(MNL_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)
