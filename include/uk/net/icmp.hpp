// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <uk/net/icmp_wire.hpp>
#include <uk/net/ipv4_wire.hpp>
#include <uk/part.hpp>
#include <uk/stack_link.hpp>
#include <uk/zeroed.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace uk::net {

struct icmp_limits {
    /// Errors that we tell others of in the long run, and in one burst (RFC 1812 section 4.3.2.8), so that nobody is
    /// flooded through us.
    unsigned errors_per_second = 10;
    unsigned burst = 10;
    /// Tell senders of malformed options so (RFC 1122 section 3.2.2.5, a should).
    bool parameter_problems = false;
};

/// The internet control message protocol (RFC 792, RFC 1122 section 3.2.2): answers pings, tells others what does not
/// exist here or came incomplete, within its limits, and hands errors about our own datagrams to the stack's object of
/// their protocol, if it has `void receive_error(const icmp_error&)`. Never is anybody told of an error in what came to
/// a group, was itself such an error, or a fragment other than the first (RFC 1122 section 3.2.2): groups are refused
/// here, the others never get so far as to have an error.
/// Not obeyed: redirects (RFC 1122 section 3.2.2.2 lets a host with one router ignore them) and timestamps.
template <icmp_limits Limits = {}>
struct icmp {
    using needs = ports<port::ip, port::packets, port::tasks>;
    using provides = ports<>;
    static constexpr std::string_view name = "net::icmp";

    static_assert(Limits.errors_per_second > 0 && Limits.errors_per_second <= 1'000'000 && Limits.burst > 0 &&
                      Limits.burst <= 1'000'000,
                  "net::icmp: errors_per_second and burst must be from 1 to 1,000,000.");

    template <class Stack>
    class in {
    public:
        static constexpr std::uint8_t ip_protocol = protocol_icmp;

        explicit in(Stack& os) : os_(os) {}

        [[gnu::noinline]] void receive_datagram(packet&& message, const ipv4_datagram& d) {
            if (message.size() < icmp_header_size) {
                ++counters_->truncated;
            } else if (checksum_of(message.contents()) != 0) {
                ++counters_->bad_checksum;
            } else if (const auto type = static_cast<icmp_type>(message.data()[0]); type == icmp_type::echo) {
                answer_echo(std::move(message), d);
            } else if (is_icmp_error(type)) {
                receive_error(message, d);
            } else {
                ++counters_->ignored;
            }
        }

        /// Tell the source of `d` that nobody here has its protocol, or its port.
        void protocol_unreachable(const ipv4_datagram& d) { send_unreachable(icmp_unreachable::protocol, d); }
        void port_unreachable(const ipv4_datagram& d) { send_unreachable(icmp_unreachable::port, d); }
        /// That not all fragments of `d`, which is the first, came in time (RFC 792 time exceeded, code 1).
        void reassembly_timed_out(const ipv4_datagram& d) {
            send_error(icmp_type::time_exceeded, icmp_reassembly_time, 0, d);
        }
        /// That octet `pointer` of its header is wrong.
        void parameter_problem(const ipv4_datagram& d, unsigned pointer)
            requires(Limits.parameter_problems)
        {
            send_error(icmp_type::parameter_problem, 0, pointer, d);
        }

        struct counters_type {
            static constexpr std::string_view names =
                "echoes errors errors_sent truncated bad_checksum echo_to_group bad_error "
                "ignored limited not_sent";
            std::uint32_t echoes = 0;  ///< answered
            std::uint32_t errors = 0;  ///< received about datagrams of ours
            std::uint32_t errors_sent = 0;
            std::uint32_t truncated = 0;  ///< shorter than a header
            std::uint32_t bad_checksum = 0;
            std::uint32_t echo_to_group = 0;  ///< to a broadcast: not answered
            std::uint32_t bad_error = 0;      ///< quotes nothing that we could have sent
            std::uint32_t ignored = 0;        ///< other types, and echoes with a code
            std::uint32_t limited = 0;        ///< errors not sent for their rate
            std::uint32_t not_sent = 0;       ///< answers and errors dropped below, or for want of a packet
        };
        const counters_type& counters() const { return *counters_; }

    private:
        void answer_echo(packet&& message, const ipv4_datagram& d) {
            // RFC 1122 section 3.2.2.6 allows silence towards broadcasts, which are mostly abused.
            if (d.group) {
                ++counters_->echo_to_group;
                return;
            }
            if (message.data()[1] != std::byte{0} || !message.exclusive()) {
                ++counters_->ignored;
                return;
            }
            // In place: where the request's headers were there is room for those of the reply.
            message.data()[0] = static_cast<std::byte>(icmp_type::echo_reply);
            send(outgoing{std::move(message)}, d.source, counters_->echoes);
        }

        void receive_error(const packet& message, const ipv4_datagram& d) {
            icmp_error e;
            if (!parse_icmp_error(message.contents(), d.source, e) || d.group || e.source != os_[port::ip].address()) {
                ++counters_->bad_error;
                return;
            }
            ++counters_->errors;
            os_.each([&](auto& object) {
                if constexpr (requires { object.receive_error(e); }) {
                    if (object.ip_protocol == e.protocol) object.receive_error(e);
                }
            });
        }

        void send_unreachable(icmp_unreachable code, const ipv4_datagram& d) {
            send_error(icmp_type::unreachable, static_cast<unsigned>(code), 0, d);
        }

        [[gnu::noinline]] void send_error(icmp_type type, unsigned code, unsigned pointer, const ipv4_datagram& d) {
            if (d.group) return;  // RFC 1122 section 3.2.2
            if (!within_rate()) {
                ++counters_->limited;
                return;
            }
            outgoing message = os_[port::packets].store().take_outgoing();
            if (!message.head) {
                ++counters_->not_sent;
                return;
            }
            // The longest header and 8 octets.
            const bytes quote = d.original.size() > 68 ? d.original.first(68) : d.original;
            std::byte* at = message.head.push_back(icmp_header_size + quote.size()).data();
            emit_icmp_error(type, code, pointer, at);
            std::memcpy(at + icmp_header_size, quote.data(), quote.size());
            send(std::move(message), d.source, counters_->errors_sent);
        }

        [[gnu::noinline]] void send(outgoing&& message, ip4_address to, std::uint32_t& sent) {
            seal_icmp(message.head.contents());
            ++(os_[port::ip].send(to, ip_protocol, std::move(message)) ? sent : counters_->not_sent);
        }

        // A bucket of tokens, as the time when it will be full again.
        bool within_rate() {
            constexpr std::uint64_t one = 1'000'000'000 / Limits.errors_per_second;
            const std::uint64_t now = os_.scheduler().now().ns;
            const std::uint64_t full = (full_at_ > now ? full_at_ : now) + one;
            if (full - now > one * Limits.burst) return false;
            full_at_ = full;
            return true;
        }

        [[no_unique_address]] stack_link<Stack> os_;
        std::uint64_t full_at_ = 0;
        zeroed<counters_type> counters_;
    };
};

}  // namespace uk::net
