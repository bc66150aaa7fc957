base_unit_ldadd = base/libbase.a $(YAJL_LIBS) $(CHECK_LIBS)
