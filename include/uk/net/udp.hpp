// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/event.hpp>
#include <uk/list.hpp>
#include <uk/net/count.hpp>
#include <uk/net/icmp_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/net/offload.hpp>
#include <uk/net/udp_wire.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/scheduler.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace uk::net {

struct udp_limits {
    /// Sockets at one time.
    std::size_t sockets = 8;
    /// Datagrams, each in a packet buffer, that wait in one socket to be received; what comes later is dropped.
    std::size_t queued = 4;
    /// Groups that one socket may join; needs net::ipv4 with `groups`.
    std::size_t groups = 0;
};

/// What came, and from whom. Holds a packet buffer: let go of it soon.
struct datagram {
    packet contents;
    ip4_address from;
    std::uint16_t from_port = 0;
};

/// A datagram as it is handed to an object with a port of its own, beside the packet that holds its payload.
struct udp_datagram {
    ip4_address from;
    ip4_address to;
    std::uint16_t from_port = 0;
    std::uint16_t to_port = 0;
};

/// The user datagram protocol (RFC 768, RFC 1122 section 4.1). A datagram goes to the stack's object with its
/// `static constexpr std::uint16_t udp_port_number`, as `receive_udp(packet&& payload, const udp_datagram&)`, or to the
/// socket bound to its port.
/// What the network reports about a connected socket's datagrams are failures of its next operation (RFC 1122 section
/// 4.1.3.3); sockets that are not connected do not hear of it.
template <udp_limits Limits = {}>
struct udp {
    using needs = ports<port::ip, port::packets, port::tasks, port::entropy>;
    using provides = ports<port::udp>;
    static constexpr std::string_view name = "net::udp";

    static_assert(Limits.sockets > 0 && Limits.queued > 0, "net::udp: sockets and queued must be positive.");

    template <class Stack>
    class in {
        // One port in use; 0 when free. `generation` tells a socket's successor from it.
        struct record {
            std::uint16_t port = 0;
            std::uint16_t generation = 0;
            std::uint32_t first = 0;
            std::uint32_t count = 0;
            ip4_address peer;  // unspecified: not connected
            std::uint16_t peer_port = 0;
            std::uint8_t failed = 0;  // 1 and the error to report next
            list<waiter> waiting;
            std::array<datagram, Limits.queued> queue;
            std::array<ip4_address, Limits.groups> groups{};

            bool is_member(ip4_address group) const {
                for (ip4_address g : groups) {
                    if (g == group) return true;
                }
                return false;
            }

            result<> failure() {
                if (failed == 0) return {};
                return fail(static_cast<error>(std::exchange(failed, 0) - 1));
            }
            datagram pop() {
                datagram d = std::move(queue[first]);
                first = static_cast<std::uint32_t>((first + 1) % Limits.queued);
                --count;
                return d;
            }
        };

        class receiver_awaiter : waiter {
        public:
            receiver_awaiter(record& from, std::uint16_t generation) : from_(from), generation_(generation) {}
            bool await_ready() const noexcept {
                return from_.count != 0 || from_.generation != generation_ || from_.failed != 0;
            }
            void await_suspend(std::coroutine_handle<> h) noexcept {
                coroutine = h;
                from_.waiting.push_back(*this);
            }
            result<datagram> await_resume() {
                if (from_.generation != generation_) return fail(error::closed);
                if (from_.count != 0) return from_.pop();
                if (const auto told = from_.failure(); !told) return fail(told.error());
                return fail(error::cancelled);
            }

        private:
            record& from_;
            std::uint16_t generation_;
        };

    public:
        explicit in(Stack& os) : os_(os) {}

        /// The next datagram of a socket, as something to await: `co_await socket.receive()`, or within a time:
        /// `co_await uk::within(2s, socket.receive())`. Yields a `result<datagram>`; fails with `closed` when the
        /// socket is destroyed meanwhile, with `cancelled` when another task took the datagram first, and, connected,
        /// with what the network reported.
        class receiving {
        public:
            receiver_awaiter operator co_await() const { return {*from_, generation_}; }

        private:
            friend in;
            receiving(record& from, std::uint16_t generation) : from_(&from), generation_(generation) {}
            record* from_;
            std::uint16_t generation_;
        };

        /// A port of ours, until it dies. Move-only; must not outlive the stack.
        class socket {
        public:
            socket(socket&& other) noexcept : home_(other.home_), record_(std::exchange(other.record_, nullptr)) {}
            socket& operator=(socket&& other) noexcept {
                socket old(std::move(*this));
                home_ = other.home_;
                record_ = std::exchange(other.record_, nullptr);
                return *this;
            }
            ~socket() {
                if (record_ != nullptr) home_->unbind(*record_);
            }

            std::uint16_t port() const { return record_->port; }

            receiving receive() { return {*record_, record_->generation}; }

            /// Sends a copy of `payload`. Fails with `no_buffers`, `too_large` (more than one datagram of the link
            /// holds) or as port::ip does.
            result<> send(ip4_address to, std::uint16_t to_port, bytes payload) {
                return home_->send_copy(to, to_port, record_->port, payload);
            }

            /// From now on only what comes from there is received, and errors that the network reports about what was
            /// sent there fail the next operation: `refused` (nobody has the port), `unreachable` or `too_large`.
            void connect(ip4_address to, std::uint16_t to_port) {
                record_->peer = to;
                record_->peer_port = to_port;
                home_->on_error_ = &on_error;
            }
            /// Receives from the group from now on, until it leaves or dies (RFC 1112 section 7.1): what is sent to the
            /// group and this port. Fails as net::ipv4's `join` does, and with `too_large` beyond the limit. What is
            /// sent to a group does not come back to its sender's host.
            result<> join(ip4_address group)
                requires(Limits.groups > 0)
            {
                if (record_->is_member(group)) return {};
                for (ip4_address& g : record_->groups) {
                    if (!g.is_unspecified()) continue;
                    auto joined = home_->os_[port::ip].join(group);
                    if (joined) g = group;
                    return joined;
                }
                return fail(error::too_large);
            }
            void leave(ip4_address group)
                requires(Limits.groups > 0)
            {
                home_->leave(*record_, group);
            }

            /// Sends to where the socket is connected to.
            result<> send(bytes payload) {
                if (auto told = record_->failure(); !told) return told;
                return send(record_->peer, record_->peer_port, payload);
            }

        private:
            friend in;
            socket(in& home, record& r) : home_(&home), record_(&r) {}
            in* home_;
            record* record_;
        };

        /// Binds `port`, or a random one of the dynamic range (RFC 6056) for 0. Fails with `in_use`, `too_large` (no
        /// more sockets than the limit allows) or `no_entropy`.
        result<socket> bind(std::uint16_t port) {
            if (!records_) records_.emplace();
            record* r = find(0);
            if (r == nullptr) return fail(error::too_large);
            if (port == 0) {
                const auto chosen = choose_port();
                if (!chosen) return fail(chosen.error());
                port = *chosen;
            } else if (in_use(port)) {
                return fail(error::in_use);
            }
            r->port = port;
            to_socket_ = &to_socket;
            return socket(*this, *r);
        }

        /// Sends what `payload` holds. For parts; fails as port::ip does.
        result<> send(ip4_address to, std::uint16_t to_port, std::uint16_t from_port, outgoing&& payload) {
            payload.head.push_front(udp_header::size);
            const ip4_address from = os_[port::ip].address();
            if (leaves_checksums(os_[port::ip])) {
                leave_udp(from_port, to_port, from, to, payload);
            } else {
                emit_udp(from_port, to_port, from, to, payload.head.contents(), payload.body);
            }
            auto sent = os_[port::ip].send(to, ip_protocol, std::move(payload));
            if (sent) ++counters_->sent;
            return sent;
        }

        /// The longest payload of one datagram on the link.
        std::size_t mtu() const { return os_[port::ip].mtu() - udp_header::size; }

        static constexpr std::uint8_t ip_protocol = protocol_udp;

        [[gnu::noinline]] void receive_datagram(packet&& p, const ipv4_datagram& d) {
            udp_header h;
            const bool vouched = sum_holds(os_[port::ip], p, udp_checksum_offset);
            const udp_fault fault = parse_udp(p.contents(), d.source, d.destination, h, vouched);
            if (fault != udp_fault::none) return count(counters_->truncated, static_cast<unsigned>(fault) - 1);
            p.truncate(h.length);
            p.pop_front(udp_header::size);
            deliver(std::move(p), {d.source, d.destination, h.from_port, h.to_port}, d);
        }

        void receive_error(const icmp_error& e) {
            if (on_error_ != nullptr) on_error_(*this, e);
        }

        struct counters_type {
            static constexpr std::string_view names =
                "received sent truncated bad_length bad_checksum bad_port no_socket queue_full";
            std::uint32_t received = 0;
            std::uint32_t sent = 0;
            // Those of udp_fault, in its order.
            std::uint32_t truncated = 0;   ///< shorter than a header
            std::uint32_t bad_length = 0;  ///< less than the header or beyond the datagram
            std::uint32_t bad_checksum = 0;
            std::uint32_t bad_port = 0;    ///< to port 0
            std::uint32_t no_socket = 0;   ///< to a port that nobody has
            std::uint32_t queue_full = 0;  ///< dropped, since the socket's queue was full
        };
        const counters_type& counters() const { return *counters_; }

    private:
        static constexpr std::uint16_t first_dynamic = 49152;  // RFC 6335 section 6

        record* find(std::uint16_t port) {
            for (record& r : *records_) {
                if (r.port == port) return &r;
            }
            return nullptr;
        }

        bool in_use(std::uint16_t port) {
            bool used = find(port) != nullptr;
            os_.each([&](auto& object) {
                if constexpr (requires { object.udp_port_number; }) used |= object.udp_port_number == port;
            });
            return used;
        }

        // RFC 6056 section 3.3.1, algorithm 1.
        result<std::uint16_t> choose_port() {
            std::uint16_t random = 0;
            if (!os_[port::entropy].fill(std::as_writable_bytes(std::span(&random, 1)))) return fail(error::no_entropy);
            while (true) {
                const auto port = static_cast<std::uint16_t>(first_dynamic | random);
                if (!in_use(port)) return port;
                ++random;
            }
        }

        void leave(record& r, ip4_address group) {
            for (ip4_address& g : r.groups) {
                if (g.is_unspecified() || g != group) continue;
                os_[port::ip].leave(group);
                g = {};
            }
        }

        void unbind(record& r) {
            if constexpr (Limits.groups > 0) {
                for (const ip4_address g : r.groups) leave(r, g);
            }
            r.port = 0;
            r.peer = {};
            r.failed = 0;
            ++r.generation;
            while (r.count != 0) r.pop();
            while (!r.waiting.empty()) os_.scheduler().make_ready(r.waiting.pop_front());
        }

        result<> send_copy(ip4_address to, std::uint16_t to_port, std::uint16_t from_port, bytes payload) {
            packet head = os_[port::packets].store().take();
            if (!head) return fail(error::no_buffers);
            if (payload.size() > head.tailroom()) return fail(error::too_large);
            copy(head.push_back(payload.size()), payload);
            return send(to, to_port, from_port, outgoing{std::move(head)});
        }

        void deliver(packet&& payload, const udp_datagram& u, const ipv4_datagram& d) {
            bool taken = false;
            os_.each([&](auto& object) {
                if constexpr (requires { object.udp_port_number; }) {
                    if (object.udp_port_number != u.to_port || taken) return;
                    taken = true;
                    forget_sum(os_[port::ip], payload);
                    object.receive_udp(std::move(payload), u);
                }
            });
            if (taken) {
                ++counters_->received;
                return;
            }
            if (to_socket_ != nullptr && to_socket_(*this, payload, u)) return;
            settle_sum(os_[port::ip], payload);
            ++counters_->no_socket;
            // RFC 1122 section 4.1.3.1.
            os_.each([&](auto& object) {
                if constexpr (requires { object.port_unreachable(d); }) object.port_unreachable(d);
            });
        }

        // Called through a pointer that `bind` sets: where nobody binds, it is not in the image.
        static bool to_socket(in& self, packet& payload, const udp_datagram& u) {
            record* r = self.find(u.to_port);
            if (r == nullptr) return false;
            if (u.to.is_multicast() && !r->is_member(u.to)) return false;
            if (!r->peer.is_unspecified() && (r->peer != u.from || r->peer_port != u.from_port)) return false;
            if (r->count == Limits.queued) {
                ++self.counters_->queue_full;
                return true;
            }
            ++self.counters_->received;
            forget_sum(self.os_[port::ip], payload);
            r->queue[(r->first + r->count++) % Limits.queued] = {std::move(payload), u.from, u.from_port};
            if (!r->waiting.empty()) self.os_.scheduler().make_ready(r->waiting.pop_front());
            return true;
        }

        // As above: where nobody connects, it is not in the image.
        static void on_error(in& self, const icmp_error& e) {
            if (e.type != icmp_type::unreachable) return;
            record* r = self.find(load_be<std::uint16_t>(e.quoted.data()));
            if (r == nullptr || r->peer != e.destination ||
                r->peer_port != load_be<std::uint16_t>(e.quoted.data() + 2)) {
                return;
            }
            const auto code = static_cast<icmp_unreachable>(e.code);
            const bool refused = code == icmp_unreachable::port || code == icmp_unreachable::protocol;
            const error what = refused                                          ? error::refused
                               : code == icmp_unreachable::fragmentation_needed ? error::too_large
                                                                                : error::unreachable;
            r->failed = static_cast<std::uint8_t>(static_cast<unsigned>(what) + 1);
            if (!r->waiting.empty()) self.os_.scheduler().make_ready(r->waiting.pop_front());
        }

        [[no_unique_address]] stack_link<Stack> os_;
        zeroed<counters_type> counters_;
        void (*on_error_)(in&, const icmp_error&) = nullptr;
        bool (*to_socket_)(in&, packet&, const udp_datagram&) = nullptr;
        std::optional<std::array<record, Limits.sockets>> records_;  // from the first bind on
    };
};

}  // namespace uk::net
