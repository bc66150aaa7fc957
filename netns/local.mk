noinst_LIBRARIES += netns/libnetns.a
netns_libnetns_a_SOURCES = \
	netns/addr.c netns/addr.h \
	netns/nl.c netns/nl.h \
	netns/types.h
