// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/event.hpp>
#include <uk/list.hpp>
#include <uk/net/dns_answer.hpp>
#include <uk/net/dns_attempt.hpp>
#include <uk/net/dns_cache.hpp>
#include <uk/net/dns_name.hpp>
#include <uk/net/dns_stream.hpp>
#include <uk/net/dns_wire.hpp>
#include <uk/part.hpp>
#include <uk/result.hpp>
#include <uk/stack_link.hpp>
#include <uk/task.hpp>
#include <uk/text.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace uk::net {

/// The name servers of a host, the best first; unspecified from where the list ends.
using dns_server_list = std::array<ip4_address, 3>;

struct dns_limits {
    /// Whom to ask; see net::dns for what is asked where this is empty.
    dns_server_list servers{};
    /// Addresses of one name; what an answer has more of is left out.
    std::size_t addresses = 4;
    /// Names asked for at one time; each needs a UDP socket and 1 KiB of frame memory.
    std::size_t queries = 4;
    /// What is remembered; without entries, nothing is and it costs nothing.
    dns_cache_limits cache{};
    /// How often each server is asked.
    unsigned tries = 3;
    /// Milliseconds that a server has to answer, at first; twice as long at each further try.
    std::uint32_t patience_ms = 1000;
    /// Aliases (CNAME) followed from one name.
    unsigned aliases = 8;
    /// `resolve` takes a dotted address for itself (RFC 1123 section 2.1). Without it, who may have one looks first.
    bool dotted = true;
    /// `resolve_ip6` is there.
    bool ip6 = false;
    /// Names are sent in random case, which must come back. For servers that change it, turn it off: then forgers have
    /// less to guess.
    bool mixed_case = true;
    /// What is too long for a datagram is asked for again by TCP, in frame memory of `tcp_octets`.
    bool tcp = false;
    std::size_t tcp_octets = 4096;
    std::uint32_t tcp_patience_ms = 5000;
};

/// Names to addresses by asking recursive servers (RFC 1034 section 5.3.1: a stub with a cache; RFC 1035, RFC 2308).
/// `co_await os[port::resolver].resolve("example.org")` yields a result with the list of addresses; a dotted address
/// is its own. The servers are those given to `set_servers`, else those of the limits, else what an object of the stack
/// with `resolvers()` says (port::resolvers), such as a DHCP client. They are asked in turn, beginning with the last
/// that answered.
///
/// Against forgery (RFC 5452): every datagram has an id, a port from 1024 on and a case of its letters from
/// port::entropy, all new; an answer counts only from the server and port that were asked, to that port, with the very
/// question; one question is under way once at a time, whoever asks. Nothing is sent without randomness.
///
/// Not obeyed: EDNS (RFC 6891) and so DNSSEC; search lists (RFC 1123 section 6.1.4.3); special names (RFC 6761).
template <dns_limits Limits = {}>
struct dns {
    using needs = std::conditional_t<Limits.tcp, ports<port::udp, port::tasks, port::entropy, port::stream>,
                                     ports<port::udp, port::tasks, port::entropy>>;
    using provides = ports<port::resolver>;
    static constexpr std::string_view name = "net::dns";

    static_assert(Limits.queries > 0 && Limits.addresses > 0 && Limits.addresses < 64 && Limits.tries > 0 &&
                      Limits.tries <= 8 && Limits.aliases < 64,
                  "net::dns: queries must be positive, addresses 1 to 63, tries 1 to 8, aliases at most 63.");
    static_assert(!Limits.tcp || (Limits.tcp_octets > dns_query::most + 2 && Limits.tcp_octets <= 32 * 1024),
                  "net::dns: tcp_octets must be 512 to 32768.");
    static_assert(
        require<std::ranges::all_of(Limits.servers, [](ip4_address a) { return a.is_unspecified() || a.is_unicast(); }),
                "net::dns: an address among `servers` is not one that a host can have.">());

    template <class Stack>
    class in {
        static constexpr std::size_t octets =
            Limits.addresses * (Limits.ip6 ? sizeof(ip6_octets) : sizeof(ip4_address));
        using answer = dns_answer<octets>;
        using attempt = dns_attempt<octets>;
        using cache = dns_cache<Limits.cache, Limits.queries, answer, list<waiter>>;
        using entry = typename cache::entry;

        // Somebody who waits for a name.
        struct asker : waiter {
            answer got;
        };

    public:
        explicit in(Stack& os) : os_(os) {}

        uk::scheduler& scheduler() { return os_.scheduler(); }

        /// A name's addresses as something to await, also within a time: `co_await uk::within(2s, r.resolve("a.b"))`.
        /// The name must live until then.
        template <class Address>
        class resolving {
            class awaiter : asker {
            public:
                awaiter(in& home, std::string_view host) : home_(home), host_(host) {}
                bool await_ready() const noexcept { return false; }
                bool await_suspend(std::coroutine_handle<> h) noexcept {
                    this->coroutine = h;
                    return home_.ask(*this, host_, std::is_same_v<Address, ip4_address> ? dns_type::a : dns_type::aaaa);
                }
                auto await_resume() const { return this->got.template as<Address, Limits.addresses>(); }

            private:
                in& home_;
                std::string_view host_;
            };

        public:
            awaiter operator co_await() const { return {*home_, host_}; }

        private:
            friend in;
            resolving(in& home, std::string_view host) : home_(&home), host_(host) {}
            in* home_;
            std::string_view host_;
        };

        /// `co_await` yields result<dns_addresses<ip4_address, Limits.addresses>, dns_error>, after
        /// `patience_ms` * (2^tries - 1) for each server and alias at most. Given up earlier, the question goes on for
        /// the sake of the cache.
        resolving<ip4_address> resolve(std::string_view host) { return {*this, host}; }

        /// The same with IPv6 addresses (RFC 3596), as result<dns_addresses<ip6_octets, ...>, dns_error>.
        resolving<ip6_octets> resolve_ip6(std::string_view host)
            requires(Limits.ip6)
        {
            return {*this, host};
        }

        /// From now on asks these, up to three; none: see above. What no host can have is left out.
        void set_servers(std::span<const ip4_address> servers) {
            set_ = {};
            take(servers, set_);
        }

        struct counters_type {
            static constexpr std::string_view names = "cached shared sent not_sent answered by_stream timed_out failed "
                                                      "truncated bad_source bad_header bad_id bad_question bad_name "
                                                      "bad_record bad_count";
            std::uint32_t cached = 0;      ///< names found in the cache
            std::uint32_t shared = 0;      ///< that somebody was asking for already
            std::uint32_t sent = 0;        ///< datagrams
            std::uint32_t not_sent = 0;    ///< for want of randomness, a socket, a packet or a route
            std::uint32_t answered = 0;    ///< usable answers, those that there is nothing among them
            std::uint32_t by_stream = 0;   ///< asked again by TCP
            std::uint32_t timed_out = 0;   ///< datagrams that nobody answered in time
            std::uint32_t failed = 0;      ///< answers that the server could not or did not want to answer
            std::uint32_t truncated = 0;   ///< answers too long for a datagram
            std::uint32_t bad_source = 0;  ///< dropped: not from whom was asked
            /// Dropped, by dns_fault: no response to a standard query; of another id; to another question, or in
            /// another case; a name without end, or a pointer that does not lead back; a record cut off or of
            /// impossible length; more or fewer records than announced.
            std::array<std::uint32_t, 6> bad{};
        };
        const counters_type& counters() const { return counters_; }

    private:
        // Takes the hosts among `from` over.
        template <class List>
        static void take(const List& from, dns_server_list& to) {
            std::size_t n = 0;
            for (const ip4_address a : from) {
                if (a.is_unicast() && n < to.size()) to[n++] = a;
            }
        }

        dns_server_list servers() {
            if (!set_[0].is_unspecified()) return set_;
            dns_server_list list = Limits.servers;
            if constexpr (Limits.servers == dns_server_list{}) {
                os_.each([&](auto& object) {
                    if constexpr (requires { object.resolvers(); }) take(object.resolvers(), list);
                });
            }
            return list;
        }

        // Answers at once, false, or lets `a` wait for an answer.
        [[gnu::noinline]] bool ask(asker& a, std::string_view host, dns_type type) {
            if constexpr (Limits.dotted) {
                if (const auto dotted = parse_ip4(host); dotted && type == dns_type::a) {
                    store_be(a.got.addresses.data(), dotted->value);
                    a.got.count = 1;
                    return false;
                }
            }
            dns_name wanted;
            a.got.wrong = dns_error::invalid_name;
            if (!parse_dns_name(host, wanted)) return false;
            a.got.wrong = dns_error::busy;
            const auto [e, known] = cache_.find(wanted, type, scheduler().now());
            if (e == nullptr) return false;
            if (known && !e->open()) {
                ++counters_.cached;
                a.got = e->answer();
                return false;
            }
            waiter& w = a;
            e->asking.push_back(w);
            counters_.shared += known;
            if (known) return true;
            cache::open(*e, wanted, type);
            a.got.wrong = dns_error::no_memory;
            if (run(*e).detach()) return true;
            cache::close(*e, a.got, false, 0, {});
            w.unlink();
            return false;
        }

        // What the task of a query holds. Its work is in functions, which are smaller than a coroutine.
        struct flight {
            instant end;             // of the time that the server has
            std::uint8_t first = 0;  // that was asked
            std::uint8_t now = 0;    // the one that is asked
            std::uint8_t round = 0;  // how often all were asked before
            dns_server_list list;
            attempt a;
        };

        // Asks the servers in turn until there is an answer. Detached: it outlives who asks.
        task<> run(entry& e) {
            flight f;
            prepare(f, e);
            while (next_try(f)) {
                auto socket = send(f);
                while (f.a.then == dns_next::wait) {
                    landed(f, co_await within(f.end - scheduler().now(), socket->receive()));
                }
                if constexpr (Limits.tcp) {
                    if (f.a.then == dns_next::stream) {
                        ++counters_.by_stream;
                        constexpr duration patience = std::chrono::milliseconds(std::uint32_t{Limits.tcp_patience_ms});
                        const auto use = [this, &f](bytes message) { read(f, message); };
                        (void)co_await within(patience,
                                              ask_by_stream<Limits.tcp_octets>(os_, f.list[f.now], f.a.asked, use));
                    }
                }
            }
            end(e, f.a);
            co_return {};
        }

        [[gnu::noinline]] void prepare(flight& f, const entry& e) {
            f.a.asked.name = e.name();
            f.a.asked.type = e.type();
            f.list = servers();
            if (!f.list[last_good_].is_unspecified()) f.first = f.now = last_good_;
        }

        // Decides whom to ask next, and until when; false when there is an answer or nobody else.
        [[gnu::noinline]] bool next_try(flight& f) {
            if (f.a.then == dns_next::done) return false;
            if (f.a.then != dns_next::alias) {
                ++f.now;
                if (f.now == f.list.size() || f.list[f.now].is_unspecified()) f.now = 0;
                if (f.now == f.first) ++f.round;
            }
            if (f.round == Limits.tries || f.list[f.now].is_unspecified()) return false;
            f.end = scheduler().now() + duration(std::int64_t{Limits.patience_ms} * 1'000'000 << f.round);
            f.a.then = dns_next::wait;
            return true;
        }

        template <class Received>
        [[gnu::noinline]] void landed(flight& f, Received d) {
            if (!d) {
                ++counters_.timed_out;
                f.a.got.wrong = dns_error::timed_out;
                f.a.then = dns_next::server;
            } else if (d->from != f.list[f.now] || d->from_port != dns_port) {
                ++counters_.bad_source;
            } else {
                read(f, d->contents.contents());
            }
        }

        // Tells everybody who has asked.
        [[gnu::noinline]] void end(entry& e, const attempt& a) {
            cache::close(e, a.got, a.keep, a.r.ttl, scheduler().now());
            while (!e.asking.empty()) {
                waiter& w = e.asking.pop_front();
                static_cast<asker&>(w).got = a.got;
                scheduler().make_ready(w);
            }
        }

        // Sends the question, with an id, a port and a case of its own. The socket that the answer will come to.
        [[gnu::noinline]] auto send(flight& f) {
            attempt& a = f.a;
            auto& udp = os_[port::udp];
            struct {
                std::uint16_t id, port;
                std::array<std::byte, Limits.mixed_case ? 32 : 0> letters;
            } random{};
            std::array<std::byte, dns_query::most> message;
            const bool drawn = os_[port::entropy].fill(std::as_writable_bytes(std::span(&random, 1)));
            a.asked.id = random.id;
            if constexpr (Limits.mixed_case) mix_case(a.asked.name, random.letters);
            emit(a.asked, message.data());
            // RFC 5452 section 9.2: from as many ports as there are. Where somebody has this one, the next try has
            // another.
            auto socket = udp.bind(static_cast<std::uint16_t>(1024 + random.port % (65536 - 1024)));
            result<> sent = fail(error::no_entropy);
            if (!socket) {
                sent = fail(socket.error());
            } else if (drawn) {
                sent = socket->send(f.list[f.now], dns_port, bytes(message).first(a.asked.size()));
            }
            if (sent) {
                ++counters_.sent;
            } else {
                ++counters_.not_sent;
                a.then = dns_next::server;
                a.got.wrong = why(sent.error());
            }
            return socket;
        }

        static dns_error why(error e) {
            switch (e) {
                case error::no_entropy: return dns_error::no_entropy;
                case error::no_buffers: return dns_error::no_buffers;
                case error::too_large:
                case error::in_use: return dns_error::busy;
                default: return dns_error::unreachable;
            }
        }

        [[gnu::noinline]] void read(flight& f, bytes message) {
            attempt& a = f.a;
            const dns_fault wrong = a.read(message, Limits.mixed_case, Limits.aliases);
            if (wrong != dns_fault::none) {
                ++counters_.bad[static_cast<std::size_t>(wrong) - 1];
            } else if (a.then == dns_next::stream) {
                ++counters_.truncated;
            } else if (a.then == dns_next::server) {
                ++counters_.failed;
            } else {
                ++counters_.answered;
                last_good_ = f.now;
            }
        }

        [[no_unique_address]] stack_link<Stack> os_;
        counters_type counters_;
        std::uint8_t last_good_ = 0;
        dns_server_list set_{};
        cache cache_;
    };
};

}  // namespace uk::net
