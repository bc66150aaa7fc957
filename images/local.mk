noinst_LIBRARIES += images/libimages.a
images_libimages_a_SOURCES = \
	images/digest.c \
	images/digest.h \
	images/implied.h \
	images/inflate.h \
	images/layer.h \
	images/limits.c \
	images/limits.h \
	images/staging.c \
	images/staging.h
images_unit_ldadd = images/libimages.a base/libbase.a $(CURL_LIBS) $(ISAL_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)
