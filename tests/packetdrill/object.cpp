// SPDX-License-Identifier: BSL-1.0
// The shared object: the calls of the interface, in C's conventions.
#include "interface.hpp"
#include "kernel.hpp"

#include <cerrno>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace {

using drill::kernel;

kernel& of(void* self) { return *static_cast<kernel*>(self); }

template <class T>
T told(T result) {
    if (result >= 0) return result;
    errno = static_cast<int>(-result);
    return -1;
}

// The ranges of readv and its kin, as Linux bounds their number.
std::optional<std::span<const iovec>> ranges(const iovec* first, long count) {
    if (count < 0 || count > 1024) return {};
    return std::span(first, first == nullptr ? 0 : static_cast<std::size_t>(count));
}

ssize_t read_into(void* self, int fd, const iovec* to, long count, int flags) {
    const auto all = ranges(to, count);
    if (!all) return told(-long{EINVAL});
    if (to == nullptr && count != 0) return told(-long{EFAULT});
    return told(of(self).read(fd, *all, flags));
}
ssize_t write_from(void* self, int fd, const iovec* from, long count, int flags) {
    const auto all = ranges(from, count);
    if (!all) return told(-long{EINVAL});
    if (from == nullptr && count != 0) return told(-long{EFAULT});
    return told(of(self).write(fd, *all, flags));
}
ssize_t recv(void* self, int fd, void* to, size_t size, int flags) {
    const iovec one{to, size};
    return read_into(self, fd, &one, 1, flags);
}
ssize_t send(void* self, int fd, const void* from, size_t size, int flags) {
    const iovec one{const_cast<void*>(from), size};
    return write_from(self, fd, &one, 1, flags);
}

int open_socket(void* self, int family, int type, int protocol) {
    return told(of(self).open_socket(family, type, protocol));
}
int bind(void* self, int fd, const sockaddr* a, socklen_t size) { return told(of(self).bind(fd, a, size)); }
int listen(void* self, int fd, int) { return told(of(self).listen(fd)); }
int accept(void* self, int fd, sockaddr* a, socklen_t* size) { return told(of(self).accept(fd, a, size)); }
int connect(void* self, int fd, const sockaddr* a, socklen_t size) { return told(of(self).connect(fd, a, size)); }

ssize_t read(void* self, int fd, void* to, size_t size) { return recv(self, fd, to, size, 0); }
ssize_t readv(void* self, int fd, const iovec* to, int count) { return read_into(self, fd, to, count, 0); }
// A stream has no address to tell: there is none of it, as in Linux.
ssize_t recvfrom(void* self, int fd, void* to, size_t size, int flags, sockaddr*, socklen_t* address_size) {
    const ssize_t n = recv(self, fd, to, size, flags);
    if (n >= 0 && address_size != nullptr) *address_size = 0;
    return n;
}
ssize_t recvmsg(void* self, int fd, msghdr* m, int flags) {
    if (m == nullptr) return told(-long{EFAULT});
    const ssize_t n = read_into(self, fd, m->msg_iov, static_cast<long>(m->msg_iovlen), flags);
    if (n < 0) return n;
    m->msg_namelen = 0;
    m->msg_controllen = 0;
    m->msg_flags = 0;
    return n;
}
ssize_t write(void* self, int fd, const void* from, size_t size) { return send(self, fd, from, size, 0); }
ssize_t writev(void* self, int fd, const iovec* from, int count) { return write_from(self, fd, from, count, 0); }
ssize_t sendto(void* self, int fd, const void* from, size_t size, int flags, const sockaddr*, socklen_t) {
    return send(self, fd, from, size, flags);
}
ssize_t sendmsg(void* self, int fd, const msghdr* m, int flags) {
    if (m == nullptr) return told(-long{EFAULT});
    if (m->msg_controllen != 0) return told(-long{EOPNOTSUPP});
    return write_from(self, fd, m->msg_iov, static_cast<long>(m->msg_iovlen), flags);
}

int fcntl(void* self, int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    const int value = command == F_SETFL || command == F_SETFD ? va_arg(rest, int) : 0;
    va_end(rest);
    return told(of(self).control(fd, command, value));
}
int ioctl(void* self, int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    int* value = va_arg(rest, int*);
    va_end(rest);
    return told(of(self).request(fd, request, value));
}
int close(void* self, int fd) { return told(of(self).close(fd)); }
int shutdown(void* self, int fd, int how) { return told(of(self).shutdown(fd, how)); }
int getsockopt(void* self, int fd, int level, int name, void* to, socklen_t* size) {
    return told(of(self).get(fd, level, name, to, size));
}
int setsockopt(void* self, int fd, int level, int name, const void* from, socklen_t size) {
    return told(of(self).set(fd, level, name, from, size));
}
int poll(void* self, pollfd* fds, nfds_t count, int milliseconds) {
    if (fds == nullptr && count != 0) return told(-EFAULT);
    return told(of(self).poll({fds, count}, milliseconds));
}

int netdev_send(void* self, const void* octets, size_t size) {
    if (octets == nullptr) return told(-EFAULT);
    return told(of(self).netdev_send({static_cast<const std::byte*>(octets), size}));
}
int netdev_receive(void* self, void* to, size_t* size, long long* microseconds) {
    if (to == nullptr || size == nullptr || microseconds == nullptr) return told(-EFAULT);
    return told(of(self).netdev_receive({static_cast<std::byte*>(to), *size}, *size, *microseconds));
}
int usleep(void* self, useconds_t microseconds) { return told(of(self).sleep(microseconds)); }
int gettimeofday(void* self, timeval* t, struct timezone*) {
    const std::uint64_t now = of(self).microseconds();
    if (t == nullptr) return told(-EFAULT);
    t->tv_sec = static_cast<time_t>(now / 1'000'000);
    t->tv_usec = static_cast<suseconds_t>(now % 1'000'000);
    return 0;
}

// What the stack's sockets have not got.
int epoll_create(void*, int) { return told(-ENOSYS); }
int epoll_ctl(void*, int, int, int, epoll_event*) { return told(-ENOSYS); }
int epoll_wait(void*, int, epoll_event*, int, int) { return told(-ENOSYS); }
int pipe(void*, int[2]) { return told(-ENOSYS); }
int splice(void*, int, loff_t*, int, loff_t*, size_t, unsigned) { return told(-ENOSYS); }

void destroy(void* self) { delete static_cast<kernel*>(self); }

bool take_number(std::string_view text, std::uint32_t least, std::uint32_t most, std::uint32_t& value) {
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    return fault == std::errc{} && end == text.data() + text.size() && value >= least && value <= most;
}

bool take_flag(std::string_view word, drill::settings& s) {
    const std::size_t at = word.find('=');
    if (at == word.npos) return false;
    const std::string_view name = word.substr(0, at);
    const std::string_view value = word.substr(at + 1);
    if (name == "address") {
        const auto a = uk::parse_ip4(value);
        if (a) s.address = *a;
        return a && a->is_unicast();
    }
    std::uint32_t number = 0;
    if (name == "mtu" && take_number(value, 576, 1500, number)) {
        s.mtu = number;
        return true;
    }
    return name == "limit" && take_number(value, 1, 1'000'000, s.patience);
}

// Words with blanks or commas between them. The interface has no way to refuse one.
drill::settings settings_of(std::string_view flags) {
    drill::settings s;
    while (!flags.empty()) {
        const std::size_t end = std::min(flags.find_first_of(" ,"), flags.size());
        const std::string_view word = flags.substr(0, end);
        flags.remove_prefix(std::min(end + 1, flags.size()));
        if (word.empty() || take_flag(word, s)) continue;
        std::fprintf(stderr,
                     "uk-packetdrill: \"%.*s\" means nothing here; there are address=A.B.C.D, mtu=576..1500 "
                     "and limit=SECONDS\n",
                     static_cast<int>(word.size()), word.data());
    }
    return s;
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] void packetdrill_interface_init(const char* flags, drill::interface* calls) {
    const std::string_view words = flags == nullptr ? std::string_view{} : std::string_view(flags);
    *calls = {.self = new kernel(settings_of(words)),
              .destroy = destroy,
              .open_socket = open_socket,
              .bind = bind,
              .listen = listen,
              .accept = accept,
              .connect = connect,
              .read = read,
              .readv = readv,
              .recv = recv,
              .recvfrom = recvfrom,
              .recvmsg = recvmsg,
              .write = write,
              .writev = writev,
              .send = send,
              .sendto = sendto,
              .sendmsg = sendmsg,
              .fcntl = fcntl,
              .ioctl = ioctl,
              .close = close,
              .shutdown = shutdown,
              .getsockopt = getsockopt,
              .setsockopt = setsockopt,
              .poll = poll,
              .netdev_send = netdev_send,
              .netdev_receive = netdev_receive,
              .usleep = usleep,
              .gettimeofday = gettimeofday,
              .epoll_create = epoll_create,
              .epoll_ctl = epoll_ctl,
              .epoll_wait = epoll_wait,
              .pipe = pipe,
              .splice = splice};
}

[[gnu::visibility("default")]] void uk_packetdrill_usage(void* self, drill::usage* u) { of(self).tell(*u); }

}  // extern "C"
