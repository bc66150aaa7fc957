#ifndef CS_RUNTIME_VM_REQUEST_H
#define CS_RUNTIME_VM_REQUEST_H

/*
 * What the agent can be asked, as JSON objects; "do" says what:
 *
 *	create	{ "config": a config.json for the machine,
 *		  "net": [ { "mac": "02:…", "name": "eth0", "mtu": 1500,
 *			     "addresses": [ "10.88.0.2/16" ], "gateways": [ "10.88.0.1" ] } ] }
 *	start	{}
 *	exec	{ "args": […], "cwd", "env", "user", "additionalGids", "caps",
 *		  "noNewPrivileges", "terminal", "process": an OCI process object }
 *	kill	{ "signal": 15 }, every process of the container
 *	stats	{}, answered by { "stats": { … } }
 *	pids	{}, answered by { "pids": [ … ] }, as the machine numbers them
 *	processes {}, answered by { "processes": [ { "pid": 2, "ppid": 1, "uid": 0, "start": unix
 *		  time, "age": seconds, "time": seconds, "tty": "pts/0" or "?", "cmd": "…" } ] }
 *	update	{ "resources": as in a config.json }
 *
 * The answer to what failed is { "error": { "code": errno, "text": "…", "exit": 126 or 127 } },
 *"exit" where it was the user's program that was not found or is none; else it is an object without
 * "error". create and exec dial the stream of the process they make (its number is that of the
 * request, 0 for create's) before they answer.
 */

/* Where things are in the machine. */
#define CTR_VM_GUEST_HOST "/run/host"	     /* what the host shares, by its tag */
#define CTR_VM_GUEST_ROOT "/run/host/rootfs" /* the container's root file system */
#define CTR_VM_SHARE_TAG "caisson"

#endif
