images_unit_ldadd = images/libimages.a base/libbase.a $(CURL_LIBS) $(ISAL_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

# unit_tests += tests/unit/…, sorted, one a line
