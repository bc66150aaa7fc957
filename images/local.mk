noinst_LIBRARIES += images/libimages.a
images_libimages_a_SOURCES = \
	images/commit.c images/commit.h \
	images/config.h \
	images/diffid.c \
	images/diffid.h \
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
	images/parallel.c images/parallel.h \
	images/pull.c images/pull.h \
	images/pull_int.h \
	images/pull_layer.c \
	images/push.c images/push.h \
	images/registries.c images/registries.h \
	images/registries_load.c \
	images/registry.c images/registry.h \
	images/registry_error.c \
	images/registry_int.h \
	images/registry_pull.c \
	images/registry_push.c \
	images/toml.c images/toml.h \
	images/transfer.h \
	images/url.c images/url.h \
	images/usage.c images/usage.h

# layers
images_libimages_a_SOURCES += \
	images/apply.c \
	images/apply.h \
	images/erofs.c \
	images/erofs.h \
	images/erofs_dir.c \
	images/erofs_fmt.h \
	images/erofs_int.h \
	images/erofs_out.c \
	images/erofs_read.c \
	images/erofs_read.h \
	images/erofs_sb.c \
	images/erofs_xattr.c \
	images/implied.c \
	images/inflate.c \
	images/inflate_int.h \
	images/inflate_isal.c \
	images/inflate_zlib.c \
	images/inflate_zstd.c \
	images/layer.c \
	images/layer_check.c \
	images/layer_int.h \
	images/layer_store.c \
	images/peek.c \
	images/peek.h \
	images/ring.c \
	images/ring.h \
	images/tar.c \
	images/tar.h \
	images/tar_header.c \
	images/tar_int.h \
	images/tar_pax.c \
	images/tree.c \
	images/tree.h \
	images/unpack.c \
	images/unpack.h

# store
images_libimages_a_SOURCES += \
	images/archive.c \
	images/bag.c \
	images/bag.h \
	images/bag_tar.c \
	images/bag_tar.h \
	images/changes.c \
	images/changes.h \
	images/config.c \
	images/enter.c \
	images/find.c \
	images/gc.c \
	images/import.c \
	images/index.c \
	images/index.h \
	images/load.c \
	images/load_int.h \
	images/oci.c \
	images/overlay.c \
	images/remove.c \
	images/rootfs.c \
	images/rootfs_int.h \
	images/save.c \
	images/sink.c \
	images/sink.h \
	images/store.c \
	images/store_int.h \
	images/tarw.c \
	images/tarwalk.c \
	images/txn.c \
	images/verify.c
