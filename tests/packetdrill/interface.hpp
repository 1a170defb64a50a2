// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

namespace drill {

/// What packetdrill expects of a stack that it is given by --so_filename: these calls, in this order. Names and prose
/// are ours; the order and the types are the binary interface of the tool of 2015 and later. Each call takes `self`
/// first, and fails like the system call of its name: -1 with `errno`. Addresses are Linux's `sockaddr_in`.
struct interface {
    void* self;
    void (*destroy)(void*);

    int (*open_socket)(void*, int family, int type, int protocol);
    int (*bind)(void*, int fd, const sockaddr*, socklen_t);
    int (*listen)(void*, int fd, int backlog);
    int (*accept)(void*, int fd, sockaddr*, socklen_t*);
    int (*connect)(void*, int fd, const sockaddr*, socklen_t);

    ssize_t (*read)(void*, int fd, void*, size_t);
    ssize_t (*readv)(void*, int fd, const iovec*, int);
    ssize_t (*recv)(void*, int fd, void*, size_t, int flags);
    ssize_t (*recvfrom)(void*, int fd, void*, size_t, int flags, sockaddr*, socklen_t*);
    ssize_t (*recvmsg)(void*, int fd, msghdr*, int flags);
    ssize_t (*write)(void*, int fd, const void*, size_t);
    ssize_t (*writev)(void*, int fd, const iovec*, int);
    ssize_t (*send)(void*, int fd, const void*, size_t, int flags);
    ssize_t (*sendto)(void*, int fd, const void*, size_t, int flags, const sockaddr*, socklen_t);
    ssize_t (*sendmsg)(void*, int fd, const msghdr*, int flags);

    int (*fcntl)(void*, int fd, int command, ...);
    int (*ioctl)(void*, int fd, unsigned long request, ...);
    int (*close)(void*, int fd);
    int (*shutdown)(void*, int fd, int how);
    int (*getsockopt)(void*, int fd, int level, int name, void*, socklen_t*);
    int (*setsockopt)(void*, int fd, int level, int name, const void*, socklen_t);
    int (*poll)(void*, pollfd*, nfds_t, int milliseconds);

    /// A bare IP packet for the stack: 0, or -1.
    int (*netdev_send)(void*, const void*, size_t);
    /// The next bare IP packet from the stack, which is waited for: it goes into a buffer of `*size` octets, its length
    /// into `*size`, and the time when it was sent, in microseconds of `gettimeofday`, into the last one. 0 octets:
    /// there was none for so long that the wait was given up. The tool asks again, for ever, after -1.
    int (*netdev_receive)(void*, void*, size_t* size, long long* microseconds);
    int (*usleep)(void*, useconds_t);
    int (*gettimeofday)(void*, timeval*, struct timezone*);

    int (*epoll_create)(void*, int);
    int (*epoll_ctl)(void*, int, int, int, epoll_event*);
    int (*epoll_wait)(void*, int, epoll_event*, int, int milliseconds);
    int (*pipe)(void*, int[2]);
    int (*splice)(void*, int, loff_t*, int, loff_t*, size_t, unsigned);
};
static_assert(sizeof(interface) == 33 * sizeof(void*));

/// The one function that the tool looks up, under the name `packetdrill_interface_init`: fills the structure. `flags`
/// are those of --so_flags, or null.
using initialize = void(const char* flags, interface*);

/// Beside it, for the object's own tests, under the name `uk_packetdrill_usage`: what is in use.
struct usage {
    std::size_t descriptors;
    std::size_t connections;     ///< of TCP, in any state
    std::size_t buffers;         ///< of packets
    std::size_t frame_octets;    ///< of coroutines
    std::size_t unread_packets;  ///< sent, not asked for yet
    std::size_t dropped;         ///< given to the stack, no buffer was free
    std::size_t waiting;         ///< calls, in other threads than the first
};
using tell_usage = void(void* self, usage*);

}  // namespace drill
