noinst_LIBRARIES += netns/libnetns.a
netns_libnetns_a_SOURCES = \
	netns/addr.c netns/addr.h \
	netns/conntrack.c netns/conntrack.h \
	netns/firewall.c netns/firewall.h \
	netns/foreign.c netns/foreign.h netns/foreign_int.h \
	netns/foreign_xt.c \
	netns/fw_host.c \
	netns/fw_int.h \
	netns/fw_publish.c \
	netns/fw_rules.c netns/fw_rules.h \
	netns/holder.c netns/holder.h \
	netns/names.c netns/names.h netns/names_int.h \
	netns/names_server.c \
	netns/nft.c netns/nft.h \
	netns/nft_read.c \
	netns/nl.c netns/nl.h \
	netns/ports.c netns/ports.h \
	netns/portspec.c netns/portspec.h \
	netns/types.h
