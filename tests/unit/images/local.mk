unit_tests += \
	tests/unit/images/test_digest \
	tests/unit/images/test_staging

tests_unit_images_test_digest_SOURCES = tests/unit/images/test_digest.c
tests_unit_images_test_digest_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_digest_LDADD = $(images_unit_ldadd)

tests_unit_images_test_staging_SOURCES = tests/unit/images/test_staging.c
tests_unit_images_test_staging_CPPFLAGS = $(UNIT_CPPFLAGS)
tests_unit_images_test_staging_LDADD = $(images_unit_ldadd)
