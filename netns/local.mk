noinst_LIBRARIES += netns/libnetns.a
netns_libnetns_a_SOURCES = \
	netns/addr.h \
	netns/nl.h \
	netns/types.h
