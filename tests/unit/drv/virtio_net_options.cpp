// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_net_options.hpp>

#include "virtio_net_rig.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

using namespace fake_net;

namespace {

constexpr virtio_net_options with_events{
    .receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2, .event_index = true};
constexpr virtio_net_options with_flags{
    .receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2, .hold_interrupts = true};
constexpr virtio_net_options with_batches{
    .receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2, .announce_after = 3};

template <class Rig>
void holds_interrupts(Rig& r) {
    auto& net = r.start();
    // A turn that finds nothing waits for the next frame by interrupt.
    CHECK(!net.receive());
    CHECK(!net.flush());
    const int acknowledged = r.card.acknowledged;
    r.arrive(60, 1);
    CHECK(r.rx.interrupts == 1);
    // While frames come there are no others, and the line is let alone.
    for (unsigned turn = 0; turn < 10; ++turn) {
        CHECK(holds(net.receive(), 60, turn + 1));
        CHECK(!net.receive());
        r.arrive(60, turn + 2);
        CHECK(net.flush());
    }
    CHECK(r.rx.interrupts == 1);
    CHECK(r.card.acknowledged == acknowledged);
    CHECK(net.receive());
    CHECK(!net.receive());
    CHECK(net.flush());
    CHECK(!net.receive());
    CHECK(r.card.acknowledged == acknowledged + 1);
    CHECK(!net.flush());
    r.arrive(60, 1);
    CHECK(r.rx.interrupts == 2);
    CHECK(net.flush());  // it came before the halt
    CHECK(r.tx.interrupts == 0);
}

}  // namespace

TEST_CASE("virtio_net holds interrupts back while frames come, by event index") {
    rig<32, with_events> r;
    r.card.offered |= virtio_feature::event_index;
    SUBCASE("receiving") {
        holds_interrupts(r);
        CHECK((r.card.accepted & virtio_feature::event_index) != 0);
    }
    SUBCASE("sending") {
        auto& net = r.start();
        for (unsigned i = 0; i < 70'000; ++i) {
            REQUIRE(net.send(r.frame(20, i)));
            net.flush();
            r.tx.give(r.tx.take(), 0);
            r.tx.wait_for_more();
        }
        CHECK(r.tx.rings == 70'000);
        CHECK(r.tx.interrupts == 0);
    }
}

TEST_CASE("virtio_net holds interrupts back while frames come, by the flag") {
    rig<32, with_flags> r;
    r.card.offered |= virtio_feature::event_index;
    holds_interrupts(r);
    CHECK((r.card.accepted & virtio_feature::event_index) == 0);
}

TEST_CASE("virtio_net lets a device without event indices interrupt as ever") {
    rig<32, with_events> r;
    auto& net = r.start();
    for (unsigned i = 0; i < 10; ++i) {
        r.arrive(60, i);
        CHECK(net.receive());
        CHECK(!net.receive());
        CHECK(net.flush());
        CHECK(!net.receive());
        CHECK(!net.flush());
    }
    CHECK(r.rx.interrupts == 10);
    CHECK(r.rx.driver_flags() == 0);
    CHECK(r.card.acknowledged == 10);
}

TEST_CASE("virtio_net: a frame that comes while the device is told to interrupt is received at once") {
    for (const bool events : {false, true}) {
        rig<32, virtio_net_options{.receive_queue = 8,
                                   .send_queue = 8,
                                   .reserve = 4,
                                   .least = 2,
                                   .event_index = true,
                                   .hold_interrupts = true}>
            r;
        if (events) r.card.offered |= virtio_feature::event_index;
        auto& net = r.start();
        // Between the look that found nothing and the halt: the line is lowered last.
        r.card.on_acknowledge = [&] { r.arrive(60, 5); };
        CHECK(holds(net.receive(), 60, 5));
        r.card.on_acknowledge = [] {};
        CHECK(net.flush());
    }
}

TEST_CASE("virtio_net: a turn with nothing but bad frames waits for the next by interrupt") {
    rig<32, with_events> r;
    r.card.offered |= virtio_feature::event_index;
    auto& net = r.start();
    r.arrive(60, 0, 11);
    CHECK(!net.receive());
    CHECK(!net.flush());
    const int before = r.rx.interrupts;
    r.arrive(60, 0);
    CHECK(r.rx.interrupts == before + 1);
}

TEST_CASE("virtio_net: the device is told of a number of frames before the turn ends") {
    rig<32, with_batches> r;
    auto& net = r.start();
    for (const int rings : {0, 0, 1, 1, 1, 2, 2}) {
        CHECK(net.send(r.frame(20, 0)));
        CHECK(r.tx.rings == rings);
    }
    net.flush();
    CHECK(r.tx.rings == 3);
    while (r.tx.waiting() != 0) r.tx.give(r.tx.take(), 0);
    for (const int rings : {3, 3, 4}) {
        CHECK(net.send(r.frame(20, 0)));
        CHECK(r.tx.rings == rings);
    }
}

namespace {

constexpr virtio_net_options with_checksums{
    .receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2, .checksum = true};
constexpr auto both_checksums = virtio_feature::net_checksum | virtio_feature::net_guest_checksum;

/// A header as a device writes it, or reads it.
virtio_net_header header(std::uint8_t flags, std::uint16_t start, std::uint16_t offset) {
    virtio_net_header h{};
    h.flags = flags;
    h.checksum_start = start;
    h.checksum_offset = offset;
    return h;
}
virtio_net_header header_of(const fake::piece& p) { return load_virtio_net(p.data()); }

}  // namespace

TEST_CASE("virtio_net accepts checksum offloads that are offered, each for itself") {
    for (const std::uint64_t offered : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}}) {
        rig<32, with_checksums> r;
        r.card.offered |= offered;
        auto& net = r.start();
        CHECK((r.card.accepted & 3) == offered);
        CHECK(net.fills_checksums() == ((offered & 1) != 0));
        CHECK(net.marks_checksums());
    }
    rig plain;
    plain.card.offered |= both_checksums;
    plain.start();
    CHECK((plain.card.accepted & 3) == 0);
    const auto has = [](auto& net) {
        return requires { net.fills_checksums(); } || requires { net.marks_checksums(); };
    };
    CHECK(!has(*plain.net));
}

TEST_CASE("virtio_net says of received frames what the card knows, and drops what cannot be") {
    rig<32, with_checksums> r;
    r.card.offered |= both_checksums;
    auto& net = r.start();
    r.arrive_with(header(0, 1, 1), 60, 1);
    CHECK(net.receive().sum() == uk::packet_sum::unknown);
    r.arrive_with(header(2, 1, 1), 60, 1);
    CHECK(net.receive().sum() == uk::packet_sum::right);
    r.arrive_with(header(1, 34, 16), 60, 1);
    const uk::packet partial = net.receive();
    CHECK(holds(partial, 60, 1));
    CHECK(partial.sum() == uk::packet_sum::partial);
    CHECK(partial.sum_from() == 34);
    CHECK(partial.sum_field() == 16);
    r.arrive_with(header(1, 34, 25), 60, 1);
    r.arrive_with(header(1, 0xffff, 0xffff), 60, 1);
    r.arrive_with(header(3, 60, 0), 60, 1);
    r.arrive_with(header(1, 34, 24), 60, 7);
    CHECK(holds(net.receive(), 60, 7));
    CHECK(net.counters().receive_checksum == 3);
    CHECK(net.counters().receive_known == 3);
    CHECK(net.counters().received == 4);
    net.flush();
    CHECK(r.rx.waiting() == 8);
}

TEST_CASE("virtio_net believes nothing of the header where the card was not asked to look") {
    rig<32, with_checksums> r;
    r.card.offered |= virtio_feature::net_checksum;
    auto& net = r.start();
    r.arrive_with(header(2, 0, 0), 60, 1);
    CHECK(net.receive().sum() == uk::packet_sum::unknown);
    r.arrive_with(header(1, 0xffff, 0), 60, 1);
    CHECK(net.receive().sum() == uk::packet_sum::unknown);
    CHECK(net.counters().receive_checksum == 0);
}

TEST_CASE("virtio_net has the card complete a checksum, or does it itself") {
    for (const bool fills : {true, false}) {
        rig<32, with_checksums> r;
        r.card.offered |= virtio_feature::net_guest_checksum | (fills ? virtio_feature::net_checksum : 0);
        auto& net = r.start();
        uk::outgoing none = r.frame(60, 1);
        CHECK(net.send(std::move(none)));
        // Received with a partial sum, and sent on as it is.
        r.arrive_with(header(1, 40, 6), 60, 1);
        CHECK(net.send(uk::outgoing{net.receive()}));
        net.flush();
        CHECK(net.counters().sent_partial == (fills ? 1 : 0));
        const auto zero = r.tx.pieces(r.tx.take());
        CHECK(header_of(zero[0]).flags == 0);
        CHECK(header_of(zero[0]).checksum_start == 0);
        const auto sent = r.tx.pieces(r.tx.take());
        REQUIRE(sent.size() == 1);
        REQUIRE(sent[0].length == 72);
        const auto h = header_of(sent[0]);
        CHECK(h.flags == (fills ? 1 : 0));
        CHECK(h.checksum_start == (fills ? 40 : 0));
        CHECK(h.checksum_offset == (fills ? 6 : 0));
        CHECK(h.segment_type == 0);
        // Octets 40 to 59 of the frame, and what the sum in 46 and 47 began with: right where the card adds nothing.
        std::uint32_t sum = 0x2f30;
        for (std::size_t i = 40; i < 60; i += 2) sum += uk::load_be<std::uint16_t>(sent[0].data() + 12 + i);
        CHECK((sum % 0xffff == 0) == !fills);
    }
}

namespace {

constexpr virtio_net_options with_segmentation{
    .receive_queue = 8, .send_queue = 16, .reserve = 4, .least = 2, .checksum = true, .segmentation = true};

/// A frame to be cut: headers, then a constant piece and two with owners.
template <class Rig>
uk::outgoing to_be_cut(Rig& r, uk::packet& a, uk::packet& b) {
    static constexpr std::byte constant[3000]{};
    uk::outgoing out{r.store().take()};
    auto& list = uk::begin_pieces(out.head, 1448);
    list.add(constant, nullptr);
    for (uk::packet* p : {&a, &b}) {
        *p = r.store().take();
        p->push_back(700);
        uk::packet_buffer* const buffer = p->share().detach();
        list.add(p->contents(), buffer);
        uk::packet::attach(buffer, 0, 0);
    }
    out.head.push_front(20);
    out.head.mark_partial_sum(0, 16);
    out.head.mark_segments(1448);
    out.head.push_front(34);
    return out;
}

}  // namespace

TEST_CASE("virtio_net has the card cut segments only where it completes checksums, too") {
    for (const std::uint64_t offered : {std::uint64_t{0}, virtio_feature::net_host_tso4, virtio_feature::net_checksum,
                                        virtio_feature::net_checksum | virtio_feature::net_host_tso4}) {
        rig<32, with_segmentation> r;
        r.card.offered |= offered;
        auto& net = r.start();
        const bool cuts = offered == (virtio_feature::net_checksum | virtio_feature::net_host_tso4);
        CHECK(((r.card.accepted & virtio_feature::net_host_tso4) != 0) == cuts);
        CHECK(net.segment_pieces() == (cuts ? 8 : 0));
    }
    rig<32, with_checksums> plain;
    plain.card.offered |= virtio_feature::net_checksum | virtio_feature::net_host_tso4;
    plain.start();
    CHECK((plain.card.accepted & virtio_feature::net_host_tso4) == 0);
}

TEST_CASE("virtio_net sends the pieces from where they lie, and holds their owners until the card is done") {
    rig<32, with_segmentation> r;
    r.card.offered |= virtio_feature::net_checksum | virtio_feature::net_host_tso4;
    auto& net = r.start();
    const auto before = r.store().available();
    const std::byte* a_octets = nullptr;
    {
        uk::packet a, b;
        uk::outgoing out = to_be_cut(r, a, b);
        a_octets = a.data();
        CHECK(net.send(std::move(out)));
    }
    CHECK(net.counters().sent_cut == 1);
    net.flush();
    CHECK(r.store().available() == before - 3);
    REQUIRE(r.tx.waiting() == 1);
    const auto id = r.tx.take();
    const auto pieces = r.tx.pieces(id);
    REQUIRE(pieces.size() == 4);
    const auto h = header_of(pieces[0]);
    CHECK(h.flags == 1);
    CHECK(h.segment_type == 1);
    CHECK(h.header_octets == 54);
    CHECK(h.segment_octets == 1448);
    CHECK(h.checksum_start == 34);
    CHECK(pieces[0].length == 12 + 54);
    CHECK(pieces[1].length == 3000);
    CHECK(pieces[2].data() == a_octets);
    CHECK(pieces[2].length == 700);
    CHECK(pieces[3].length == 700);
    SUBCASE("sent") {
        r.tx.give(id, 0);
        net.flush();
        CHECK(r.store().available() == before);
    }
    SUBCASE("the card fails") {
        r.tx.jump(1000);
        net.flush();
        CHECK(r.store().available() == 32);
    }
    SUBCASE("torn down") {
        r.net.reset();
        CHECK(r.store().available() == 32);
    }
}

TEST_CASE("virtio_net refuses a packet of more pieces than there is room for, and holds nothing of it") {
    rig<32, with_segmentation> r;
    r.card.offered |= virtio_feature::net_checksum | virtio_feature::net_host_tso4;
    auto& net = r.start();
    for (unsigned i = 0; i < 13; ++i) CHECK(net.send(r.frame(20, i)));
    const auto before = r.store().available();
    {
        uk::packet a, b;
        CHECK(!net.send(to_be_cut(r, a, b)));
    }
    CHECK(net.counters().send_full == 1);
    CHECK(r.store().available() == before);
}
