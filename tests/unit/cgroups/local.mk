cgroups_unit_ldadd = cgroups/libcgroups.a base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)
