// SPDX-License-Identifier: BSL-1.0
#include <uk/net/tcp_segmentation.hpp>

#include "tcp_transfer.hpp"

#include <uk/net/tcp_cubic.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace uk::literals;
using uk::net::seq;
using uk::net::tcp_count;
using uk::net::tcp_cutter;
using uk::net::tcp_flag::fin;
using uk::net::tcp_flag::psh;
using world::network;

namespace {

/// A connection with text queued, and the next segment of it.
struct scene {
    uk::raw_memory<64 * (sizeof(uk::packet_buffer) + 1664)> memory;
    uk::packet_store store{memory.all(), 1664};
    uk::net::tcp_send_queue text;
    uk::net::tcb c{};
    uk::net::tcp_plan p;

    explicit scene(std::size_t octets) {
        c.state = uk::net::tcp_state::established;
        c.iss = seq{99};
        c.una = c.nxt = c.max = seq{100};
        c.mss = 1000;
        c.window = c.window_max = 100'000;
        const std::vector<std::byte> all(octets);
        REQUIRE(text.append(all, store, 60, 1500) == octets);
    }
    std::uint32_t plan(tcp_cutter cutter) {
        uk::net::next_segment(p, c, text.octets(), cutter.allowed, false);
        uk::net::lengthen(p, c, text, cutter);
        return p.length;
    }
};
constexpr tcp_cutter wide{100'000, 32, 1000};

/// An internet layer whose card completes checksums and cuts.
struct cutting_ip {
    using needs = world::ip::needs;
    using provides = world::ip::provides;

    template <class Stack>
    class in : public world::ip::in<Stack> {
        using base = world::ip::in<Stack>;

    public:
        explicit in(Stack& os) : base(os) {}
        bool fills_checksums() const { return true; }
        std::size_t segment_pieces() const { return pieces; }

        uk::result<> send(uk::ip4_address to, std::uint8_t, uk::outgoing out) {
            if (base::refuse) return uk::fail(uk::error::no_buffers);
            CHECK(out.head.sum() >= uk::packet_sum::partial);
            CHECK(out.head.sum_from() == 0);
            CHECK(out.head.sum_field() == 16);
            const auto head = out.head.contents();
            std::vector<std::byte> header(head.begin(), head.end());
            std::vector<std::byte> text(out.body.begin(), out.body.end());
            std::size_t most = out.size();
            const std::size_t segment = out.head.segment();
            if (segment != 0) {
                const auto& list = uk::pieces_of(out.head);
                CHECK(list.count <= pieces);
                CHECK(text.empty());
                for (std::uint32_t i = 0; i < list.count; ++i) {
                    text.insert(text.end(), list.all[i].data, list.all[i].data + list.all[i].size);
                }
                CHECK(text.size() == list.octets);
                CHECK(text.size() > segment);
                CHECK(text.size() <= 64'000);
                most = segment;
                ++cut;
            }
            // The card is told what the sum begins with for the packet as a whole.
            const auto begun = uk::net::pseudo_header(base::own, to, 6, header.size() + text.size()).partial();
            CHECK(uk::load_be<std::uint16_t>(header.data() + 16) == begun);
            std::size_t at = 0;
            do {
                const std::size_t n = std::min(most, text.size() - at);
                carry(to, header, uk::bytes(text).subspan(at, n), at, at + n == text.size(), out.traffic_class);
                at += n;
            } while (at < text.size());
            return {};
        }

        std::size_t pieces = 32;
        unsigned cut = 0;

    private:
        // As a card does it: only the last segment has FIN and PSH.
        void carry(uk::ip4_address to, std::vector<std::byte> header, uk::bytes text, std::size_t at, bool last,
                   std::uint8_t traffic_class) {
            uk::store_be(header.data() + 4,
                         static_cast<std::uint32_t>(uk::load_be<std::uint32_t>(header.data() + 4) + at));
            if (!last) header[13] &= ~std::byte{fin | psh};
            uk::store_be(header.data() + 16, std::uint16_t{0});
            const auto sum = uk::net::pseudo_header(base::own, to, 6, header.size() + text.size());
            const std::uint16_t value = uk::net::checksum(sum).add(header).add(text).value();
            uk::store_be(header.data() + 16, value);
            world::datagram d{.due = {}, .from = base::own, .to = to, .octets = header, .traffic_class = traffic_class};
            d.octets.insert(d.octets.end(), text.begin(), text.end());
            CHECK(d.octets.size() <= 1480);
            network::current->carry(std::move(d));
        }
    };
};

constexpr uk::net::tcp_limits large{.connections = 4,
                                    .backlog = 2,
                                    .receive_window = 60'000,
                                    .receive_buffers = 60,
                                    .send_buffers = 40,
                                    .features = uk::net::tcp_everything};
constexpr uk::net::tcp_limits plain{.connections = 4,
                                    .backlog = 2,
                                    .receive_window = 60'000,
                                    .receive_buffers = 60,
                                    .send_buffers = 40,
                                    .features = uk::net::tcp_minimal};
using whole = world::host<large, 256, uk::net::cubic, cutting_ip>;
using minimal = world::host<plain, 256, uk::net::new_reno, cutting_ip>;

template <class Host>
void transfers(const world::troubles& t, std::uint64_t octets) {
    world::transfer<Host, Host>(t, octets, [&](auto& left, auto& right) {
        CHECK(left[uk::port::ip].cut != 0);
        CHECK(right[uk::port::ip].cut != 0);
        CHECK(left.count(tcp_count::bad_checksum) == 0);
    });
}

}  // namespace

TEST_CASE("as many full segments are made one as may be sent") {
    scene s(20'500);
    CHECK(s.plan(wide) == 20'000);
    CHECK(s.p.flags == 0);
    CHECK(s.plan({7'900, 32, 1000}) == 7'000);
    CHECK(s.plan({1'999, 32, 1000}) == 1'000);
    s.c.window = 5'000;
    CHECK(s.plan(wide) == 5'000);
    s.c.nxt = s.c.max = s.c.una + 2'500;
    CHECK(s.plan(wide) == 2'000);
    CHECK(s.plan({100'000, 32, 1}) == 1'000);
}

TEST_CASE("the card's pieces, the records and the datagram bound it") {
    scene s(64 * 1'000);
    CHECK(s.plan({100'000, 32, 1000}) == 32 * 1'500);
    CHECK(s.plan({100'000, 4, 1000}) == 6'000);
    CHECK(s.plan({100'000, 1, 1000}) == 1'000);
    CHECK(s.plan({100'000, 32, 3}) == 3'000);
    scene t(1);
    static constexpr std::byte constant[100'000]{};
    REQUIRE(t.text.append_constant(constant, t.store, 60));
    CHECK(t.plan(wide) == 64'000);
    t.c.mss = 1448;
    CHECK(t.plan(wide) == 44 * 1448);
}

TEST_CASE("the end is pushed, and a FIN goes with the last segment alone") {
    scene s(5'000);
    CHECK(s.plan(wide) == 5'000);
    CHECK(s.p.flags == psh);
    s.c.shut = true;
    CHECK(s.plan(wide) == 4'000);
    CHECK(s.p.flags == 0);
    scene t(2'000);
    t.c.shut = true;
    CHECK(t.plan(wide) == 1'000);
    t.c.nxt = t.c.max = t.c.una + 1'000;
    CHECK(t.plan(wide) == 1'000);
    CHECK(t.p.flags == (psh | fin));
}

TEST_CASE("what was sent before goes segment by segment") {
    scene s(5'000);
    s.c.max = s.c.una + 3'000;
    CHECK(s.plan(wide) == 1'000);
}

TEST_CASE("text in pieces: what lies where, and the octets of an offset") {
    scene s(4'000);
    static constexpr std::byte constant[3'000]{};
    REQUIRE(s.text.append_constant(constant, s.store, 60));
    uk::packet head = s.store.take();
    auto& list = uk::begin_pieces(head, 1'000);
    CHECK(s.text.gather(100, 6'000, &list, 32) == 6'000);
    CHECK(list.octets == 6'000);
    REQUIRE(list.count >= 3);
    CHECK(list.all[0].owner != nullptr);
    CHECK(list.all[list.count - 1].data == constant);
    CHECK(list.all[list.count - 1].owner == nullptr);
    CHECK(list.all[list.count - 1].size == 2'100);
    CHECK(s.text.gather(4'000, 9'000, nullptr, 1) == 3'000);
    CHECK(s.text.gather(7'000, 9'000, nullptr, 9) == 0);
    CHECK(s.text.gather(0, 7'000, nullptr, 0) == 0);
}

TEST_CASE("transfers over a card that cuts") {
    transfers<whole>({.seed = 1}, 400'000);
    transfers<minimal>({.seed = 2}, 400'000);
}

TEST_CASE("transfers over a card that cuts, and a network that loses, reorders and doubles") {
    for (std::uint64_t seed = 10; seed < 14; ++seed) {
        transfers<whole>({.seed = seed, .loss = 20, .reorder = 20, .doubling = 10}, 200'000);
        transfers<minimal>({.seed = seed, .loss = 20, .reorder = 20, .doubling = 10}, 200'000);
    }
    transfers<whole>({.seed = 20, .loss = 100}, 100'000);
    transfers<whole>({.seed = 21, .marks = 30}, 300'000);
}
