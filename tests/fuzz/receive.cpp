// SPDX-License-Identifier: BSL-1.0
#include "tcp_far.hpp"
#include "tcp_host.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

/// The whole receive path: a host with TCP in a state that the first octets choose, then frames, time and what the
/// application does, as the rest says.
namespace {

using namespace fuzz;
using namespace std::chrono_literals;
namespace flag = net::tcp_flag;

template <class Stack>
class scene {
public:
    scene(input& in, unsigned how) : in_(in) {
        constexpr std::uint32_t numbers[]{1'000, 0x7fff'fff0, 0xffff'fff0, 0xffff'0000};
        far_.next = far_.said = numbers[how & 3];
        stamps_ = (how & 4) != 0;
        sack_ = (how & 8) != 0;
        far_.offers_shift = (how & 16) != 0;
        ecn_ = (how & 32) != 0;
    }

    void run(unsigned state) {
        begin(state);
        for (unsigned steps = 0; !in_.empty() && steps < 300; ++steps) {
            step(in_.octet());
            os_.look();
        }
        rest();
        require(os_.frames_sent < 100'000, "no storm is made of little");
        os_.end([&](const octets& f, const sent_frame& s) { hear(f, s); });
    }

private:
    auto& sessions() { return os_.sessions; }
    auto* latest() { return os_.sessions.empty() ? nullptr : os_.sessions.back().get(); }

    void hear(const octets& frame, const sent_frame& parts) {
        far_.hear(frame, parts);
        if (const octets answer = arp_answer(frame); !answer.empty()) os_.link().arrived.push_back(answer);
    }
    void rest() {
        os_.settle([&](const octets& f, const sent_frame& s) { hear(f, s); });
    }
    void pass(uk::duration d) {
        os_.pass(d, [&](const octets& f, const sent_frame& s) { hear(f, s); });
    }
    void arrive(octets frame) {
        os_.link().arrived.push_back(std::move(frame));
        rest();
    }
    void arrive_segment(octets s, bool seal, datagram_shape shape = {}) {
        if (seal) seal_payload(net::protocol_tcp, shape.from, shape.to, s);
        octets frame = ipv4(net::protocol_tcp, s, shape);
        if (frame.size() <= 1514) arrive(std::move(frame));
    }

    // The far end does what is right.
    void speak(std::uint8_t flags, uk::bytes text = {}, std::uint16_t window = 20'000) {
        octets options;
        const auto put = [&](std::uint32_t word) {
            options.resize(options.size() + 4);
            uk::store_be(options.data() + options.size() - 4, word);
        };
        if ((flags & flag::syn) != 0) {
            put(0x0204'05b4);
            if (far_.offers_shift) put(0x0103'0302);
            if (sack_) put(0x0101'0402);
            if (ecn_) flags |= flag::ece | flag::cwr;
        }
        if (stamps_) {
            put(0x0101'080a);
            put(static_cast<std::uint32_t>(os_.time().ns / 1'000'000) + 77);
            put(far_.stamp);
        }
        const std::uint32_t ack = (flags & flag::ack) != 0 ? far_.expected : 0;
        octets s = far_.segment(flags, far_.next, ack, window, options, text);
        far_.next += static_cast<std::uint32_t>(text.size()) + ((flags & (flag::syn | flag::fin)) != 0 ? 1U : 0U);
        arrive_segment(std::move(s), true);
    }
    void open() {
        speak(flag::syn);
        speak(flag::ack);
    }
    void say_a_lot() {
        if (auto* s = latest()) os_.write(*s, 5'000, false);
        rest();
    }

    void begin(unsigned state) {
        constexpr std::array<std::byte, 600> text{};
        if (state == 0) return;
        if (state == 1) return speak(flag::syn);  // half-open
        if (state == 2) {                         // SYN-SENT
            far_.own_port = 80;
            os_.connect(peer_ip, 80);
            rest();
            pass(10ms);
            return learn_port();
        }
        if (state == 3) {  // a full backlog: cookies
            for (std::uint16_t i = 0; i < 5; ++i) {
                far_.own_port = static_cast<std::uint16_t>(4'000 + i);
                far_.heard = far_.told = false;
                far_.next = far_.said;
                speak(flag::syn);
            }
            return;
        }
        open();
        switch (state) {
            case 5: return say_a_lot();
            case 6: return speak(flag::fin | flag::ack);  // CLOSE-WAIT
            case 7:                                       // LAST-ACK
                speak(flag::fin | flag::ack);
                return shut();
            case 8: return shut();  // FIN-WAIT-1
            case 9:                 // FIN-WAIT-2
                shut();
                return speak(flag::ack);
            case 10: {  // CLOSING: our FIN is not acknowledged by that of the far end
                const std::uint32_t before = far_.expected;
                shut();
                const std::uint32_t after = std::exchange(far_.expected, before);
                speak(flag::fin | flag::ack);
                far_.expected = after;
                return;
            }
            case 11:  // TIME-WAIT
                shut();
                return speak(flag::fin | flag::ack);
            case 12:  // a window that is closed
                speak(flag::ack, {}, 0);
                say_a_lot();
                return pass(2s);
            case 13: {  // text out of order
                const std::uint32_t hole = far_.next;
                far_.next += 600;
                speak(flag::ack, text);
                far_.next += 900;
                speak(flag::ack, text);
                far_.next = hole;
                return;
            }
            case 14:  // loss recovery
                say_a_lot();
                return pass(5s);
            case 15:  // nobody reads, and the window is full
                if (auto* s = latest()) s->reader.reset();
                for (unsigned i = 0; i < 30 && far_.told && far_.edge - far_.next >= 600; ++i) speak(flag::ack, text);
                return;
            default: return;
        }
    }
    void shut() {
        if (auto* s = latest()) s->connection.shutdown();
        rest();
    }
    // The port that the stack has chosen.
    void learn_port() {
        if (far_.last.size() < 40) return;
        far_.port = uk::load_be<std::uint16_t>(far_.last.data() + 20);
        far_.heard = true;
        far_.expected = uk::load_be<std::uint32_t>(far_.last.data() + 24) + 1;
    }

    void step(unsigned what) {
        switch (what & 7) {
            case 0:
            case 1: return segment(what);
            case 2: return raw(what);
            case 3: return pass(uk::duration(std::int64_t{1'000'000} << (what >> 3) % 20));
            case 4: return act(what >> 3);
            case 5: return payload();
            case 6: return error();
            default: return honest(what >> 3);
        }
    }

    // A segment that is near to a right one: each number is the right one and a distance.
    void segment(unsigned what) {
        const auto flags = static_cast<std::uint8_t>(in_.octet());
        const std::uint32_t sequence = far_.next + distance();
        const std::uint32_t acknowledgment = far_.expected + distance();
        const auto window = static_cast<std::uint16_t>(in_.octet() << (what >> 4 & 7));
        const unsigned lengths = in_.octet();
        octets options;
        append(options, in_.take((lengths & 15) * 4 % 44));
        if ((lengths & 16) != 0 && stamps_) {  // timestamps that pass
            options.resize(12);
            uk::store_be(options.data(), std::uint32_t{0x0101'080a});
            uk::store_be(options.data() + 4, static_cast<std::uint32_t>(os_.time().ns / 1'000'000) + 77);
            uk::store_be(options.data() + 8, far_.stamp);
        }
        options.resize((options.size() + 3) / 4 * 4);
        const octets text(std::size_t{lengths >> 5} * ((what & 8) != 0 ? 200 : 1));
        const std::uint16_t urgent =
            (flags & flag::urg) != 0 ? static_cast<std::uint16_t>(in_.word()) : std::uint16_t{0};
        octets s = far_.segment(flags, sequence, acknowledgment, window, options, text, urgent);
        if ((what & 128) == 0) return arrive_segment(std::move(s), true);
        // In two fragments, or with a mark of congestion.
        const unsigned way = in_.octet();
        if ((way & 1) == 0) return arrive_segment(std::move(s), (way & 2) == 0, {.traffic_class = 3});
        seal_payload(net::protocol_tcp, peer_ip, our_ip, s);
        const std::size_t cut = std::min<std::size_t>(8 + (way >> 3) * 8, s.size());
        const auto more = net::ipv4_header::more_fragments;
        const auto id = static_cast<std::uint16_t>(way);
        octets first = ipv4(6, uk::bytes(s).first(cut), {.id = id, .fragment = more});
        octets second = ipv4(6, uk::bytes(s).subspan(cut), {.id = id, .fragment = static_cast<std::uint16_t>(cut / 8)});
        if ((way & 4) != 0) std::swap(first, second);
        arrive(std::move(first));
        arrive(std::move(second));
    }
    // A small one, or one that is a power of two and some.
    std::uint32_t distance() {
        const unsigned octet = in_.octet();
        if (octet < 0x80) return octet - 32U * (octet >> 6);
        const std::uint32_t large = std::uint32_t{1} << (octet & 31);
        return (octet & 32) != 0 ? 0U - large : large;
    }

    void raw(unsigned what) {
        octets frame;
        append(frame, in_.piece());
        if ((what & 8) == 0 && frame.size() >= 12) {  // for us
            uk::copy(frame, octets(ethernet(0, {})));
        }
        if ((what & 16) == 0) seal_frame(frame);
        if (frame.size() <= 1514) arrive(std::move(frame));
    }
    void payload() {
        const auto protocol = static_cast<std::uint8_t>(in_.octet());
        octets p;
        append(p, in_.piece());
        seal_payload(protocol, peer_ip, our_ip, p);
        octets frame = ipv4(protocol, p);
        if (frame.size() <= 1514) arrive(std::move(frame));
    }
    // An ICMP error about the last segment of the stack.
    void error() {
        const unsigned kind = in_.octet();
        octets m(8);
        constexpr std::array<std::byte, 4> types{std::byte{3}, std::byte{3}, std::byte{11}, std::byte{12}};
        m[0] = types[kind & 3];
        m[1] = static_cast<std::byte>(kind >> 2 & 15);
        uk::store_be(m.data() + 6, static_cast<std::uint16_t>(in_.word()));
        octets quoted = far_.last;
        if (quoted.size() > 28 && (kind & 64) != 0) uk::store_be(quoted.data() + 24, far_.expected + distance());
        quoted.resize(std::min<std::size_t>(quoted.size(), 28));
        append(m, quoted);
        seal_payload(net::protocol_icmp, router_ip, our_ip, m);
        arrive(ipv4(net::protocol_icmp, m, {.from = router_ip}));
    }

    // The far end behaves.
    void honest(unsigned what) {
        constexpr std::array<std::byte, 1'400> text{};
        switch (what & 7) {
            case 0: return speak(flag::ack);
            case 1: return speak(flag::ack | flag::psh, uk::bytes(text).first(100));
            case 2: return speak(flag::ack, text);
            case 3: return speak(flag::fin | flag::ack);
            case 4: return speak(flag::ack, {}, static_cast<std::uint16_t>(in_.word()));
            case 5: return learn_port();
            case 6:
                far_.own_port = static_cast<std::uint16_t>(4'000 + in_.octet() % 8);
                far_.port = 80;
                far_.heard = far_.told = false;
                return;
            default: return (what & 8) != 0 ? open() : speak(flag::syn);
        }
    }

    void act(unsigned what) {
        const unsigned which = what >> 4;
        if ((what & 15) == 0) return os_.connect((which & 1) != 0 ? router_ip : peer_ip, 80), rest();
        if ((what & 15) == 1) os_.link().jammed = which != 0;
        if (sessions().empty()) return rest();
        auto& s = which != 0 ? *sessions().front() : *sessions().back();
        switch (what & 15) {
            case 2: os_.write(s, 20, false); break;
            case 3: os_.write(s, 9'000, which != 0); break;
            case 4: os_.write(s, in_.word(), true); break;
            case 5: s.connection.shutdown(); break;
            case 6: sessions().pop_back(); break;
            case 7: s.reader.reset(); break;
            case 8: os_.read(s, false); break;
            case 9: os_.read(s, true); break;
            case 10: s.connection.urge(); break;
            case 11: s.connection.set_keep_alive(which == 0); break;
            case 12: s.connection.set_no_delay(true); break;
            case 13: os_.watch(s); break;
            case 14: s.connection.set_retries(static_cast<std::uint8_t>(1 + in_.octet() % 9)); break;
            case 15:  // what waits for the connection is gone before it
                s.reader.reset();
                s.writer.reset();
                s.waiter.reset();
                s.connection.abort();
                break;
            default: break;
        }
        rest();
    }

    input& in_;
    tcp_host<Stack> os_;
    far_end far_;
    bool stamps_ = false;
    bool sack_ = false;
    bool ecn_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    const unsigned first = in.octet();
    const unsigned how = in.octet();
    switch (first >> 4 & 3) {
        case 0: scene<least_stack>(in, how).run(first & 15); break;
        case 1: scene<usual_stack>(in, how).run(first & 15); break;
        default: scene<full_stack>(in, how).run(first & 15); break;
    }
    return 0;
}
