noinst_LIBRARIES += netns/libnetns.a
netns_libnetns_a_SOURCES =
