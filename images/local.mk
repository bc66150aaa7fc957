noinst_LIBRARIES += images/libimages.a
images_libimages_a_SOURCES =
