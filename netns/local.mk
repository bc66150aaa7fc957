noinst_LIBRARIES += netns/libnetns.a
netns_libnetns_a_SOURCES = \
	netns/addr.c netns/addr.h \
	netns/attach.c netns/attach.h \
	netns/attach_check.c \
	netns/attach_int.h \
	netns/conntrack.c netns/conntrack.h \
	netns/detach.c \
	netns/firewall.c netns/firewall.h \
	netns/foreign.c netns/foreign.h netns/foreign_int.h \
	netns/foreign_xt.c \
	netns/fw_host.c \
	netns/fw_int.h \
	netns/fw_others.c \
	netns/fw_publish.c \
	netns/fw_rules.c netns/fw_rules.h \
	netns/holder.c netns/holder.h \
	netns/ipam.c netns/ipam.h \
	netns/ipam_choose.c \
	netns/life.c \
	netns/link.c netns/link.h \
	netns/names.c netns/names.h netns/names_int.h \
	netns/names_server.c \
	netns/names_who.c \
	netns/network.c netns/network.h \
	netns/nft.c netns/nft.h \
	netns/nft_read.c \
	netns/nl.c netns/nl.h \
	netns/ns.c netns/ns.h \
	netns/pool.c netns/pool.h \
	netns/ports.c netns/ports.h \
	netns/portspec.c netns/portspec.h \
	netns/record.c netns/record.h \
	netns/record_att.c \
	netns/remove.c \
	netns/route.c netns/route.h \
	netns/store.c netns/store.h \
	netns/sweep.c \
	netns/types.h \
	netns/up.c
