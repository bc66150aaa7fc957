unit_tests += \
	tests/unit/images/test_digest \
	tests/unit/images/test_staging

tests_unit_images_test_digest_SOURCES = tests/unit/images/test_digest.c
tests_unit_images_test_digest_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_digest_LDADD = $(images_unit_ldadd)

tests_unit_images_test_staging_SOURCES = tests/unit/images/test_staging.c
tests_unit_images_test_staging_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_staging_LDADD = $(images_unit_ldadd)

# registries
unit_tests += \
	tests/unit/images/test_base64 \
	tests/unit/images/test_challenge \
	tests/unit/images/test_creds \
	tests/unit/images/test_http \
	tests/unit/images/test_registries \
	tests/unit/images/test_url

tests_unit_images_test_base64_SOURCES = tests/unit/images/test_base64.c
tests_unit_images_test_base64_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_base64_LDADD = $(images_unit_ldadd)

tests_unit_images_test_challenge_SOURCES = tests/unit/images/test_challenge.c
tests_unit_images_test_challenge_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_challenge_LDADD = $(images_unit_ldadd)

tests_unit_images_test_creds_SOURCES = tests/unit/images/test_creds.c
tests_unit_images_test_creds_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_creds_LDADD = $(images_unit_ldadd)

tests_unit_images_test_http_SOURCES = tests/unit/images/test_http.c
tests_unit_images_test_http_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_http_LDADD = $(images_unit_ldadd)

tests_unit_images_test_registries_SOURCES = tests/unit/images/test_registries.c
tests_unit_images_test_registries_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_registries_LDADD = $(images_unit_ldadd)

tests_unit_images_test_url_SOURCES = tests/unit/images/test_url.c
tests_unit_images_test_url_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_url_LDADD = $(images_unit_ldadd)

# layers
unit_tests += \
	tests/unit/images/test_implied \
	tests/unit/images/test_inflate \
	tests/unit/images/test_layer

tests_unit_images_test_implied_SOURCES = tests/unit/images/test_implied.c
tests_unit_images_test_implied_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_implied_LDADD = $(images_unit_ldadd)

tests_unit_images_test_inflate_SOURCES = tests/unit/images/test_inflate.c
tests_unit_images_test_inflate_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_inflate_LDADD = $(images_unit_ldadd)

tests_unit_images_test_layer_SOURCES = tests/unit/images/test_layer.c
tests_unit_images_test_layer_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_layer_LDADD = $(images_unit_ldadd)

unit_tests += tests/unit/images/test_tar
tests_unit_images_test_tar_SOURCES = tests/unit/images/test_tar.c
tests_unit_images_test_tar_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_tar_LDADD = $(images_unit_ldadd)

# names, manifests, configurations, the index
unit_tests += \
	tests/unit/images/test_changes \
	tests/unit/images/test_config \
	tests/unit/images/test_find \
	tests/unit/images/test_index \
	tests/unit/images/test_manifest \
	tests/unit/images/test_parallel \
	tests/unit/images/test_platform \
	tests/unit/images/test_ref \
	tests/unit/images/test_tarw \
	tests/unit/images/test_txn

tests_unit_images_test_changes_SOURCES = tests/unit/images/test_changes.c
tests_unit_images_test_changes_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_changes_LDADD = $(images_unit_ldadd)

tests_unit_images_test_config_SOURCES = tests/unit/images/test_config.c
tests_unit_images_test_config_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_config_LDADD = $(images_unit_ldadd)

tests_unit_images_test_find_SOURCES = tests/unit/images/test_find.c
tests_unit_images_test_find_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_find_LDADD = $(images_unit_ldadd)

tests_unit_images_test_index_SOURCES = tests/unit/images/test_index.c
tests_unit_images_test_index_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_index_LDADD = $(images_unit_ldadd)

tests_unit_images_test_manifest_SOURCES = tests/unit/images/test_manifest.c
tests_unit_images_test_manifest_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_manifest_LDADD = $(images_unit_ldadd)

tests_unit_images_test_parallel_SOURCES = tests/unit/images/test_parallel.c
tests_unit_images_test_parallel_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_parallel_LDADD = $(images_unit_ldadd)

tests_unit_images_test_platform_SOURCES = tests/unit/images/test_platform.c
tests_unit_images_test_platform_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_platform_LDADD = $(images_unit_ldadd)

tests_unit_images_test_ref_SOURCES = tests/unit/images/test_ref.c
tests_unit_images_test_ref_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_ref_LDADD = $(images_unit_ldadd)

tests_unit_images_test_tarw_SOURCES = tests/unit/images/test_tarw.c
tests_unit_images_test_tarw_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_tarw_LDADD = $(images_unit_ldadd)

tests_unit_images_test_txn_SOURCES = tests/unit/images/test_txn.c
tests_unit_images_test_txn_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_txn_LDADD = $(images_unit_ldadd)

EXTRA_DIST += tests/unit/images/tarmake.h
