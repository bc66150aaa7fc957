noinst_LIBRARIES += images/libimages.a
images_libimages_a_SOURCES = \
	images/config.h \
	images/digest.c \
	images/digest.h \
	images/gc.h \
	images/implied.h \
	images/inflate.h \
	images/layer.h \
	images/limits.c \
	images/limits.h \
	images/manifest.c \
	images/manifest.h \
	images/platform.c \
	images/ref.c \
	images/ref.h \
	images/rootfs.h \
	images/source.h \
	images/staging.c \
	images/staging.h \
	images/store.h \
	images/tarw.h \
	images/txn.h
images_unit_ldadd = images/libimages.a base/libbase.a $(CURL_LIBS) $(ISAL_LIBS) $(ZSTD_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) $(YAJL_LIBS) $(CHECK_LIBS)

# registries
images_libimages_a_SOURCES += \
	images/auth.c images/auth.h \
	images/base64.c images/base64.h \
	images/certs.c \
	images/challenge.c images/challenge.h \
	images/creds.c images/creds.h \
	images/creds_int.h \
	images/creds_store.c \
	images/curl.c images/curl.h \
	images/helper.c \
	images/http.c images/http.h \
	images/http_easy.c \
	images/http_int.h \
	images/http_loop.c \
	images/toml.c images/toml.h \
	images/url.c images/url.h
