// SPDX-License-Identifier: BSL-1.0
#include "host.hpp"

#include <uk/net/arp.hpp>
#include <uk/net/dhcp.hpp>
#include <uk/net/ethernet.hpp>
#include <uk/net/icmp.hpp>
#include <uk/net/ipv4.hpp>
#include <uk/net/udp.hpp>
#include <uk/task.hpp>

#include <chrono>
#include <optional>

namespace {

using namespace fuzz;
using namespace std::chrono_literals;

template <unsigned Probes>
using dhcp_stack =
    uk::stack<fakes::machine, card, uk::packets<uk::packet_limits{.buffers = 16}>, net::ethernet<>,
              net::arp<net::arp_limits{.entries = 4, .probes = Probes}>, net::ipv4<>, net::icmp<>, net::udp<>,
              net::dhcp_with<net::dhcp_limits{.domain = 20}>,
              uk::uses<uk::port::resolvers, uk::port::tasks, uk::port::clock, uk::port::packets, uk::port::frame>>;

constexpr std::size_t options_at = 240;

// The server's side: what the client said last is what an answer has to fit to.
struct server {
    octets last;  // the client's message

    void hear(const sent_frame& s) {
        if (!s.is(net::protocol_udp) || s.payload.size() < 8 + options_at) return;
        last.assign(s.payload.begin() + 8, s.payload.end());
    }

    // An answer that differs from a right one in what `how` says; its options are the piece.
    octets answer(uk::bytes piece, unsigned how) const {
        octets m(options_at);
        m[0] = std::byte{2};
        m[1] = std::byte{1};
        m[2] = std::byte{6};
        if (last.size() >= options_at && (how & 1) == 0) {
            uk::copy(uk::writable_bytes(m).subspan(4, 4), uk::bytes(last).subspan(4, 4));
            uk::copy(uk::writable_bytes(m).subspan(28, 6), uk::bytes(last).subspan(28, 6));
        }
        uk::ip4_address address = our_ip;
        if ((how & 2) != 0) address.value = 0xe0000001;
        if ((how & 4) != 0) address.value = 0xffffffff;
        if ((how & 6) == 6) address.value = 0;
        uk::store_be(m.data() + 16, address.value);
        uk::store_be(m.data() + 236, std::uint32_t{0x63825363});
        if ((how & 8) != 0) {  // a name and a file of the piece's choosing, too
            uk::copy(uk::writable_bytes(m).subspan(44, 192), piece.first(std::min<std::size_t>(192, piece.size())));
        }
        if ((how & 16) == 0) {
            const std::byte usual[]{std::byte{53},  std::byte{1},   static_cast<std::byte>((how & 32) != 0 ? 5 : 2),
                                    std::byte{54},  std::byte{4},   std::byte{10},
                                    std::byte{0},   std::byte{0},   std::byte{1},
                                    std::byte{51},  std::byte{4},   std::byte{0},
                                    std::byte{0},   std::byte{14},  std::byte{16},
                                    std::byte{1},   std::byte{4},   std::byte{255},
                                    std::byte{255}, std::byte{255}, std::byte{0}};
            append(m, usual);
        }
        append(m, piece);
        if ((how & 64) == 0) m.push_back(std::byte{255});
        return m;
    }
};

octets frame_around(const octets& message) {
    octets u(8);
    uk::store_be(u.data(), std::uint32_t{67 << 16 | 68});
    uk::store_be(u.data() + 4, static_cast<std::uint16_t>(8 + message.size()));
    append(u, message);
    return ipv4(17, u, {.from = router_ip, .to = {0xffff'ffff}});
}

void parse(uk::bytes message) {
    const auto r = net::parse_dhcp(message);
    if (!r) return;
    require(r->overload <= 3, "an overload is one");
    require(r->type == net::dhcp_type::offer || r->type == net::dhcp_type::ack || r->type == net::dhcp_type::nak,
            "a reply is one of a server");
}

template <unsigned Probes>
void run(const std::uint8_t* data, std::size_t size) {
    input in(data, size);
    host<dhcp_stack<Probes>> os;
    server there;
    const auto heard = [&](const octets&, const sent_frame& s) {
        there.hear(s);
        const uk::ip4_address own = os[uk::port::ip].address();
        require(own.is_unspecified() || own.is_unicast(), "an address is a host's");
    };
    std::optional<uk::task<>> start(os[uk::port::resolvers].start());
    require(start->start(), "there is memory for a task");
    (void)in.octet();
    for (unsigned inputs = 0; !in.empty() && inputs < 100; ++inputs) {
        const unsigned what = in.octet();
        if (what < 0xd0) {
            const unsigned how = in.octet();
            octets m = (what & 1) != 0 ? octets() : there.answer(in.piece(), how);
            if ((what & 1) != 0) append(m, in.piece());
            parse(m);
            octets frame = frame_around(m);
            seal_frame(frame);
            if (frame.size() <= 1514) os.link().arrived.push_back(std::move(frame));
            os.settle(heard);
        } else if (what < 0xf0) {
            os.pass(uk::duration(std::int64_t{1'000'000} << (what - 0xd0) % 23), heard);
        } else if (what < 0xf4) {
            os.link().came_up = true;
        } else if (what < 0xf6) {
            os[uk::port::resolvers].release();
        } else {  // somebody else has the address
            octets payload(net::arp_packet::size);
            emit(net::arp_packet{net::arp_operation::reply, peer_mac, our_ip, our_mac, our_ip}, payload.data());
            os.link().arrived.push_back(ethernet(0x0806, payload));
            os.settle(heard);
        }
        for (uk::ip4_address dns : os[uk::port::resolvers].resolvers()) {
            require(!dns.is_unspecified(), "a name server has an address");
        }
        require(os[uk::port::resolvers].domain().size() <= 20, "a domain fits its memory");
    }
    os.pass(1min, heard);
    require(os.frames_sent < 20'000, "no storm is made of little");
    start.reset();
    // Renewals may wait for the server's address at any time; without a lease everything is sent to all, at once.
    os[uk::port::resolvers].release();
    os.pass(10s, heard);
    require(os.store().available() == 16, "all packet buffers are back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size != 0 && (data[0] & 1) != 0) {
        run<3>(data, size);
    } else {
        run<0>(data, size);
    }
    return 0;
}
