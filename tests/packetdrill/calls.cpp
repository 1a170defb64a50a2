// SPDX-License-Identifier: BSL-1.0
#include "driver.hpp"

#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

#include <atomic>
#include <thread>

using namespace driver;

namespace {

int connect_to(const object& o, int fd) {
    const sockaddr_in to = address(remote, 80);
    return o->connect(o.self(), fd, plain(to), sizeof(to));
}
int error_of(const object& o, int fd) {
    int e = -1;
    socklen_t size = sizeof(e);
    REQUIRE(o->getsockopt(o.self(), fd, SOL_SOCKET, SO_ERROR, &e, &size) == 0);
    CHECK(size == sizeof(e));
    return e;
}
tcp_info info_of(const object& o, int fd) {
    tcp_info i{};
    socklen_t size = sizeof(i);
    REQUIRE(o->getsockopt(o.self(), fd, IPPROTO_TCP, TCP_INFO, &i, &size) == 0);
    CHECK(size == sizeof(i));
    return i;
}
int amount(const object& o, int fd, unsigned long what) {
    int n = -1;
    REQUIRE(o->ioctl(o.self(), fd, what, &n) == 0);
    return n;
}
short polled(const object& o, int fd, short events = POLLIN | POLLOUT | POLLRDHUP) {
    pollfd p{fd, events, 0};
    const int n = o->poll(o.self(), &p, 1, 0);
    CHECK(n == (p.revents != 0 ? 1 : 0));
    return p.revents;
}
// The tool, too, goes on once its other thread sleeps.
void until_it_waits(const object& o) {
    while (o.usage().waiting == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}
// The peer's answer to the SYN that is next.
seen answer_syn(const object& o) {
    const seen syn = o.next();
    REQUIRE(syn.tcp.flags == flag::syn);
    tcp_segment s = object::segment(flag::syn | flag::ack, {0}, syn.tcp.sequence + 1, 80);
    s.destination_port = syn.tcp.source_port;
    o.inject(s);
    return syn;
}

}  // namespace

TEST_CASE("connect without waiting: EINPROGRESS, EALREADY, 0, EISCONN") {
    object o("address=192.168.0.7");
    const int fd = o.socket(SOCK_NONBLOCK);
    CHECK(failed(connect_to(o, fd), EINPROGRESS));
    CHECK(failed(connect_to(o, fd), EALREADY));
    CHECK(info_of(o, fd).tcpi_state == 2);  // SYN_SENT
    CHECK(polled(o, fd) == 0);
    char octet = 0;
    CHECK(failed(o->read(o.self(), fd, &octet, 1), EAGAIN));
    const seen syn = answer_syn(o);
    CHECK(syn.ip.source == own);
    CHECK(syn.tcp.destination_port == 80);
    CHECK(syn.tcp.options.mss == 1460);
    CHECK(syn.tcp.options.sack_permitted);
    CHECK(syn.tcp.options.stamped);
    CHECK(o.next().tcp.flags == flag::ack);
    CHECK(polled(o, fd) == POLLOUT);
    CHECK(error_of(o, fd) == 0);
    CHECK(connect_to(o, fd) == 0);
    CHECK(failed(connect_to(o, fd), EISCONN));
    CHECK(info_of(o, fd).tcpi_state == 1);
    CHECK(o->close(o.self(), fd) == 0);
    const seen fin = o.next();
    CHECK(fin.tcp.has(flag::fin));
    tcp_segment s = object::segment(flag::ack | flag::fin, {1}, fin.tcp.sequence + 1, 80);
    s.destination_port = syn.tcp.source_port;
    o.inject(s);
    everything_back(o);
}

TEST_CASE("a SYN that is refused, or never answered") {
    object o("address=192.168.0.7");
    const int fd = o.socket(SOCK_NONBLOCK);
    CHECK(failed(connect_to(o, fd), EINPROGRESS));
    SUBCASE("refused") {
        const seen syn = o.next();
        tcp_segment s = object::segment(flag::rst | flag::ack, {0}, syn.tcp.sequence + 1, 80);
        s.destination_port = syn.tcp.source_port;
        o.inject(s);
        CHECK((polled(o, fd) & POLLERR) != 0);
        CHECK(error_of(o, fd) == ECONNREFUSED);
        CHECK(error_of(o, fd) == 0);
    }
    SUBCASE("silence") {
        o.pass(400'000'000);
        CHECK(error_of(o, fd) == ETIMEDOUT);
    }
    SUBCASE("closed meanwhile") {}
    CHECK(o->close(o.self(), fd) == 0);
    everything_back(o);
}

TEST_CASE("the driver's own connect lets time pass until it is given up") {
    object o("address=192.168.0.7");
    const int fd = o.socket();
    const long long start = o.now();
    CHECK(failed(connect_to(o, fd), ETIMEDOUT));
    CHECK(o.now() - start > 100'000'000);
    CHECK(failed(o->connect(o.self(), o.socket(), plain(address(own, 80)), sizeof(sockaddr_in)), ENETUNREACH));
    CHECK(o->close(o.self(), fd) == 0);
}

TEST_CASE("a descriptor that may not wait says EAGAIN, by its flag or the call's") {
    object o;
    const int listener = o.listener(SOCK_NONBLOCK);
    CHECK(failed(o->accept(o.self(), listener, nullptr, nullptr), EAGAIN));
    CHECK(o->close(o.self(), listener) == 0);
    opened c(o);
    char octet = 0;
    CHECK(failed(o->recv(o.self(), c.fd, &octet, 1, MSG_DONTWAIT), EAGAIN));
    CHECK(o->fcntl(o.self(), c.fd, F_GETFL) == O_RDWR);
    CHECK(o->fcntl(o.self(), c.fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    CHECK(o->fcntl(o.self(), c.fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(failed(o->read(o.self(), c.fd, &octet, 1), EAGAIN));
    const std::string much(3'000'000, 'm');
    const long taken = write(o, c.fd, much);
    CHECK(taken > 100'000);
    CHECK(taken < 3'000'000);
    CHECK((polled(o, c.fd) & POLLOUT) == 0);
    CHECK(failed(write(o, c.fd, much), EAGAIN));
    CHECK(amount(o, c.fd, SIOCOUTQ) == taken);
}

TEST_CASE("reads in all their forms") {
    object o;
    opened c(o);
    o.inject(flag::ack, {1}, c.iss + 1, "0123456789");
    CHECK(amount(o, c.fd, FIONREAD) == 10);
    char a[4] = {};
    char b[8] = {};
    CHECK(o->recv(o.self(), c.fd, a, 3, MSG_PEEK) == 3);
    CHECK(std::string_view(a, 3) == "012");
    CHECK(amount(o, c.fd, FIONREAD) == 10);
    const iovec two[] = {{a, 2}, {b, 3}};
    CHECK(o->readv(o.self(), c.fd, two, 2) == 5);
    CHECK(std::string_view(a, 2) == "01");
    CHECK(std::string_view(b, 3) == "234");
    sockaddr_in from{};
    socklen_t size = sizeof(from);
    CHECK(o->recvfrom(o.self(), c.fd, a, 1, 0, reinterpret_cast<sockaddr*>(&from), &size) == 1);
    CHECK(size == 0);
    CHECK(a[0] == '5');
    msghdr m{};
    iovec one{b, 2};
    m.msg_iov = &one;
    m.msg_iovlen = 1;
    CHECK(o->recvmsg(o.self(), c.fd, &m, 0) == 2);
    CHECK(std::string_view(b, 2) == "67");
    CHECK(amount(o, c.fd, FIONREAD) == 2);
    CHECK(o->read(o.self(), c.fd, b, 0) == 0);
    CHECK(read(o, c.fd) == "89");
    CHECK(failed(o->recv(o.self(), c.fd, b, 1, MSG_OOB), EOPNOTSUPP));
}

TEST_CASE("writes in all their forms") {
    object o;
    opened c(o);
    const int on = 1;
    CHECK(o->setsockopt(o.self(), c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
    char text[] = "abcdef";
    const iovec two[] = {{text, 2}, {text + 4, 2}};
    CHECK(o->writev(o.self(), c.fd, two, 2) == 4);
    CHECK(o.next().text == "abef");
    CHECK(o->send(o.self(), c.fd, text, 3, MSG_NOSIGNAL) == 3);
    CHECK(o.next().text == "abc");
    CHECK(o->sendto(o.self(), c.fd, text, 1, 0, nullptr, 0) == 1);
    CHECK(o.next().text == "a");
    msghdr m{};
    iovec one{text, 6};
    m.msg_iov = &one;
    m.msg_iovlen = 1;
    CHECK(o->sendmsg(o.self(), c.fd, &m, 0) == 6);
    CHECK(o.next().text == "abcdef");
    CHECK(o->send(o.self(), c.fd, text, 2, MSG_OOB) == 2);
    const seen urgent = o.next();
    CHECK(urgent.text == "ab");
    CHECK(urgent.tcp.has(flag::urg));
    CHECK(amount(o, c.fd, SIOCOUTQ) == 16);
    CHECK(amount(o, c.fd, SIOCOUTQNSD) == 0);
    CHECK(o->write(o.self(), c.fd, text, 0) == 0);
    CHECK(failed(o->send(o.self(), c.fd, text, 1, MSG_FASTOPEN), EOPNOTSUPP));
}

TEST_CASE("the switches of a socket") {
    object o;
    opened c(o);
    for (const auto& [level, name] : {std::pair{SOL_SOCKET, SO_REUSEADDR}, std::pair{SOL_SOCKET, SO_KEEPALIVE},
                                      std::pair{int{IPPROTO_TCP}, TCP_NODELAY}}) {
        for (const int value : {1, 0}) {
            CHECK(o->setsockopt(o.self(), c.fd, level, name, &value, sizeof(value)) == 0);
            int got = -1;
            socklen_t size = sizeof(got);
            CHECK(o->getsockopt(o.self(), c.fd, level, name, &got, &size) == 0);
            CHECK(got == value);
        }
        char octet = 1;
        CHECK(failed(o->setsockopt(o.self(), c.fd, level, name, &octet, 1), EINVAL));
        CHECK(failed(o->setsockopt(o.self(), c.fd, level, name, nullptr, 4), EFAULT));
    }
    int value = 0;
    socklen_t size = sizeof(value);
    CHECK(o->getsockopt(o.self(), c.listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0);
    CHECK(value == 1);
    CHECK(failed(o->getsockopt(o.self(), c.fd, SOL_SOCKET, SO_ERROR, nullptr, &size), EFAULT));
    CHECK(failed(o->getsockopt(o.self(), c.fd, IPPROTO_TCP, TCP_CORK, &value, &size), ENOPROTOOPT));
    CHECK(failed(o->setsockopt(o.self(), c.fd, IPPROTO_TCP, TCP_CORK, &value, size), ENOPROTOOPT));
    CHECK(failed(o->getsockopt(o.self(), c.fd, IPPROTO_UDP, 1, &value, &size), EOPNOTSUPP));
    size = 1;
    CHECK(o->getsockopt(o.self(), c.listener, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0);
    CHECK(size == 1);
}

TEST_CASE("keep-alive asks after two hours, when asked to") {
    object o;
    opened c(o);
    const int on = 1;
    CHECK(o->setsockopt(o.self(), c.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
    const long long start = o.now();
    const seen question = o.next();
    CHECK(question.tcp.sequence == c.iss);
    CHECK((question.at - start) / 1'000'000 == 7200);
}

TEST_CASE("TCP_INFO tells what the stack knows") {
    object o;
    tcp_segment syn = object::segment(flag::syn, {0}, {0});
    syn.options.mss = 1000;
    syn.options.sack_permitted = true;
    syn.options.shift = 3;
    opened c(o, syn);
    CHECK(info_of(o, c.listener).tcpi_state == 10);
    tcp_info i = info_of(o, c.fd);
    CHECK(i.tcpi_state == 1);
    CHECK(i.tcpi_snd_mss == 1000);
    CHECK(i.tcpi_snd_cwnd == 10);
    CHECK(i.tcpi_snd_ssthresh == 0x7fffffff);
    CHECK(i.tcpi_options == (TCPI_OPT_SACK | TCPI_OPT_WSCALE));
    CHECK(unsigned{i.tcpi_snd_wscale} == 3);
    CHECK((i.tcpi_rtt + 500) / 1000 == 100);
    CHECK((i.tcpi_rto + 500) / 1000 == 300);
    CHECK(i.tcpi_unacked == 0);
    CHECK(write(o, c.fd, std::string(15'000, 't')) == 15'000);
    i = info_of(o, c.fd);
    CHECK(i.tcpi_unacked == 10);
    CHECK(i.tcpi_notsent_bytes == 5000);
    std::byte block[8];
    uk::store_be(block, (c.iss + 1001).value);
    uk::store_be(block + 4, (c.iss + 6001).value);
    tcp_segment s = object::segment(flag::ack, {1}, c.iss + 1);
    s.options.blocks = 1;
    s.options.sack = block;
    o.pass(100'000);
    o.inject(s);
    i = info_of(o, c.fd);
    CHECK(i.tcpi_sacked == 5);
    CHECK(i.tcpi_ca_state == 3);
    CHECK(i.tcpi_retrans == 1);
    CHECK(i.tcpi_snd_ssthresh == 5);
    CHECK(o->shutdown(o.self(), c.fd, SHUT_WR) == 0);
    tcp_info half{};
    socklen_t size = 8;
    CHECK(o->getsockopt(o.self(), c.fd, IPPROTO_TCP, TCP_INFO, &half, &size) == 0);
    CHECK(size == 8);
}

TEST_CASE("poll waits for time or for an event, whichever comes first") {
    object o;
    opened c(o);
    pollfd p[] = {{c.fd, POLLIN, 0}, {c.listener, POLLIN, 0}, {-1, POLLIN, 0}};
    const long long start = o.now();
    CHECK(o->poll(o.self(), p, 3, 50) == 0);
    CHECK(o.now() - start - 50'000 <= 2);
    CHECK(polled(o, c.fd) == POLLOUT);
    o.inject(flag::ack, {1}, c.iss + 1, "x");
    CHECK(o->poll(o.self(), p, 3, -1) == 1);
    CHECK(p[0].revents == POLLIN);
    CHECK(p[1].revents == 0);
    o.inject(flag::syn, {0}, {0}, {}, 5001);
    seen a = o.next();
    while (!a.tcp.has(flag::syn)) a = o.next();
    o.inject(flag::ack, {1}, a.tcp.sequence + 1, {}, 5001);
    CHECK(o->poll(o.self(), p, 3, -1) == 2);
    CHECK(p[1].revents == POLLIN);
    CHECK(o->accept(o.self(), c.listener, nullptr, nullptr) >= 0);
    CHECK(polled(o, c.listener) == 0);
    o.inject(flag::ack | flag::fin, {2}, c.iss + 1);
    CHECK(polled(o, c.fd) == (POLLIN | POLLOUT | POLLRDHUP));
    CHECK(o->shutdown(o.self(), c.fd, SHUT_WR) == 0);
    CHECK((polled(o, c.fd) & POLLHUP) != 0);
    CHECK(polled(o, 77) == POLLNVAL);
    pollfd idle{c.listener, POLLIN, 0};
    o.inject(flag::ack, {3}, c.iss + 2);
    o.pass(60'000'000);
    CHECK(failed(o->poll(o.self(), &idle, 1, -1), EDEADLK));  // nobody is left who could end it
}

TEST_CASE("a wait ends by SO_RCVTIMEO") {
    object o;
    opened c(o);
    const timeval most{2, 500'000};
    CHECK(o->setsockopt(o.self(), c.fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most)) == 0);
    const long long start = o.now();
    char octet = 0;
    CHECK(failed(o->read(o.self(), c.fd, &octet, 1), EAGAIN));
    CHECK(o.now() - start - 2'500'000 <= 2);
    const timeval wrong{0, 1'000'000};
    CHECK(failed(o->setsockopt(o.self(), c.fd, SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof(wrong)), EDOM));
}

TEST_CASE("time stands still but for sleeps, waits, and a microsecond for each look at it") {
    object o;
    const long long start = o.now();
    o.listener();
    o.inject(flag::syn, {0}, {0});
    CHECK(o.next().at == start);
    CHECK(o.now() == start + 1);
    CHECK(o.now() == start + 2);
    o.pass(1234);
    CHECK(o.now() == start + 1237);
}

TEST_CASE("calls of another thread wait until the driver's have led to what they wait for") {
    object o;
    const int listener = o.listener();
    std::atomic<int> fd{-1};
    std::atomic<long long> accepted{0}, received{0};
    std::string text(16, '\0');
    const long long start = o.now();
    std::thread other([&] {
        fd = o->accept(o.self(), listener, nullptr, nullptr);
        accepted = o.now();
        const long n = o->recv(o.self(), fd, text.data(), 6, MSG_WAITALL);
        received = o.now();
        text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    });
    until_it_waits(o);
    o.pass(1'000'000);
    o.inject(flag::syn, {0}, {0});
    const seq iss = o.next().tcp.sequence;
    o.pass(1'000'000);
    o.inject(flag::ack, {1}, iss + 1);
    until_it_waits(o);
    o.pass(1'000'000);
    o.inject(flag::ack, {1}, iss + 1, "abc");
    o.pass(1'000'000);
    o.inject(flag::ack, {4}, iss + 1, "def");
    o.pass(1'000'000);
    other.join();
    CHECK(fd >= 0);
    CHECK(text == "abcdef");
    CHECK(accepted - start >= 1'999'000);
    CHECK(accepted - start <= 2'001'000);
    CHECK(received - start >= 3'999'000);
    CHECK(received - start <= 4'001'000);
}

TEST_CASE("freeing the object ends every wait with EINTR") {
    object o;
    const int listener = o.listener();
    std::atomic<int> number{0};
    std::thread other([&] {
        if (o->accept(o.self(), listener, nullptr, nullptr) == -1) number = errno;
    });
    until_it_waits(o);
    o.free();
    other.join();
    CHECK(number == EINTR);
}

TEST_CASE("waiting for a packet has its limit, after which there is none") {
    object o("limit=5");
    std::byte packet[1500];
    std::size_t size = sizeof(packet);
    long long at = -1;
    const long long start = o.now();
    CHECK(o->netdev_receive(o.self(), packet, &size, &at) == 0);
    CHECK(size == 0);
    CHECK(at - start == 5'000'000);
    o.inject(flag::syn, {0}, {0});
    size = 10;
    CHECK(failed(o->netdev_receive(o.self(), packet, &size, &at), EMSGSIZE));
    CHECK(size == 0);
    CHECK(failed(o->netdev_receive(o.self(), nullptr, &size, &at), EFAULT));
    CHECK(failed(o->netdev_receive(o.self(), packet, nullptr, &at), EFAULT));
    CHECK(failed(o->netdev_receive(o.self(), packet, &size, nullptr), EFAULT));
    CHECK(failed(o->netdev_send(o.self(), nullptr, 40), EFAULT));
    CHECK(failed(o->netdev_send(o.self(), packet, 0), EINVAL));
    CHECK(failed(o->netdev_send(o.self(), std::string(1600, 'x').data(), 1600), EMSGSIZE));
}

TEST_CASE("the flags say which address and MTU it has") {
    object o("address=192.168.0.7, mtu=576,unknown=1");
    o.inject(flag::syn, {0}, {0});
    CHECK(o.next().tcp.has(flag::rst));
    const int fd = o.socket();
    const sockaddr_in other = address("192.168.0.8"_ip4, port);
    CHECK(failed(o->bind(o.self(), fd, plain(other), sizeof(other)), EADDRNOTAVAIL));
    o.listener();
    o.inject(flag::syn, {0}, {0});
    CHECK(o.next().tcp.options.mss == 536);
}

TEST_CASE("wrong arguments are refused") {
    object o;
    CHECK(failed(o->open_socket(o.self(), AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT));
    CHECK(failed(o->open_socket(o.self(), AF_INET, SOCK_DGRAM, 0), ESOCKTNOSUPPORT));
    CHECK(failed(o->open_socket(o.self(), AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT));
    const int fd = o.socket();
    sockaddr_in a = address(own, port);
    CHECK(failed(o->bind(o.self(), fd, nullptr, sizeof(a)), EFAULT));
    CHECK(failed(o->bind(o.self(), fd, plain(a), 8), EINVAL));
    a.sin_family = AF_INET6;
    CHECK(failed(o->bind(o.self(), fd, plain(a), sizeof(a)), EAFNOSUPPORT));
    a.sin_family = AF_INET;
    CHECK(o->bind(o.self(), fd, plain(a), sizeof(a)) == 0);
    CHECK(failed(o->bind(o.self(), fd, plain(a), sizeof(a)), EINVAL));
    CHECK(failed(o->bind(o.self(), o.socket(), plain(a), sizeof(a)), EADDRINUSE));
    CHECK(failed(o->accept(o.self(), fd, nullptr, nullptr), EINVAL));
    CHECK(failed(o->shutdown(o.self(), fd, SHUT_WR), ENOTCONN));
    char octet = 0;
    CHECK(failed(o->read(o.self(), fd, &octet, 1), ENOTCONN));
    CHECK(failed(o->write(o.self(), fd, &octet, 1), EPIPE));
    CHECK(o->close(o.self(), fd) == 0);
    opened c(o);
    CHECK(failed(o->read(o.self(), c.fd, nullptr, 1), EFAULT));
    CHECK(failed(o->write(o.self(), c.fd, nullptr, 1), EFAULT));
    CHECK(failed(o->readv(o.self(), c.fd, nullptr, 1), EFAULT));
    CHECK(failed(o->writev(o.self(), c.fd, nullptr, -1), EINVAL));
    CHECK(failed(o->recvmsg(o.self(), c.fd, nullptr, 0), EFAULT));
    CHECK(failed(o->sendmsg(o.self(), c.fd, nullptr, 0), EFAULT));
    CHECK(failed(o->poll(o.self(), nullptr, 1, 0), EFAULT));
    CHECK(failed(o->gettimeofday(o.self(), nullptr, nullptr), EFAULT));
    CHECK(failed(o->shutdown(o.self(), c.fd, 9), EINVAL));
    CHECK(failed(o->ioctl(o.self(), c.fd, FIONREAD, nullptr), EFAULT));
    int n = 0;
    CHECK(failed(o->ioctl(o.self(), c.fd, 0x1234UL, &n), ENOTTY));
    CHECK(failed(o->ioctl(o.self(), c.listener, FIONREAD, &n), EINVAL));
    CHECK(failed(o->fcntl(o.self(), c.fd, 12345), EINVAL));
}

TEST_CASE("a descriptor that is none") {
    object o;
    const sockaddr_in a = address(own, port);
    socklen_t size = 4;
    int n = 0;
    const int closed = o.socket();
    CHECK(o->close(o.self(), closed) == 0);
    for (const int fd : {-1, 0, closed, 99, 0x7fffffff}) {
        CHECK(failed(o->bind(o.self(), fd, plain(a), sizeof(a)), EBADF));
        CHECK(failed(o->listen(o.self(), fd, 1), EBADF));
        CHECK(failed(o->accept(o.self(), fd, nullptr, nullptr), EBADF));
        CHECK(failed(o->connect(o.self(), fd, plain(a), sizeof(a)), EBADF));
        CHECK(failed(o->read(o.self(), fd, &n, 1), EBADF));
        CHECK(failed(o->write(o.self(), fd, &n, 1), EBADF));
        CHECK(failed(o->fcntl(o.self(), fd, F_GETFL), EBADF));
        CHECK(failed(o->ioctl(o.self(), fd, FIONREAD, &n), EBADF));
        CHECK(failed(o->close(o.self(), fd), EBADF));
        CHECK(failed(o->shutdown(o.self(), fd, SHUT_RD), EBADF));
        CHECK(failed(o->getsockopt(o.self(), fd, SOL_SOCKET, SO_ERROR, &n, &size), EBADF));
        CHECK(failed(o->setsockopt(o.self(), fd, SOL_SOCKET, SO_KEEPALIVE, &n, size), EBADF));
    }
}

TEST_CASE("what it has not got says ENOSYS") {
    object o;
    int two[2];
    epoll_event e{};
    CHECK(failed(o->epoll_create(o.self(), 1), ENOSYS));
    CHECK(failed(o->epoll_ctl(o.self(), 3, EPOLL_CTL_ADD, 4, &e), ENOSYS));
    CHECK(failed(o->epoll_wait(o.self(), 3, &e, 1, 0), ENOSYS));
    CHECK(failed(o->pipe(o.self(), two), ENOSYS));
    CHECK(failed(o->splice(o.self(), 3, nullptr, 4, nullptr, 1, 0), ENOSYS));
}
