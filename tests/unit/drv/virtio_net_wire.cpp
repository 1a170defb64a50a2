// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_net_wire.hpp>

#include <uk/arena.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <utility>

using namespace uk::drv;

namespace {

struct pool {
    uk::raw_memory<2 * (sizeof(uk::packet_buffer) + 256)> memory;
    uk::packet_store store{memory.all(), 256};
};

virtio_net_header header(std::uint8_t flags, std::uint16_t start, std::uint16_t offset) {
    virtio_net_header h{};
    h.flags = flags;
    h.checksum_start = start;
    h.checksum_offset = offset;
    return h;
}

}  // namespace

TEST_CASE("the header's fields stand where section 5.1.6 has them") {
    const unsigned char octets[12]{1, 2, 0x34, 0x12, 0x78, 0x56, 0xbc, 0x9a, 0xf0, 0xde, 0x22, 0x11};
    const auto h = load_virtio_net(reinterpret_cast<const std::byte*>(octets));
    CHECK(h.flags == 1);
    CHECK(h.segment_type == 2);
    CHECK(h.header_octets == 0x1234);
    CHECK(h.segment_octets == 0x5678);
    CHECK(h.checksum_start == 0x9abc);
    CHECK(h.checksum_offset == 0xdef0);
    CHECK(h.buffers == 0x1122);
}

TEST_CASE("a received frame is marked with what the header says") {
    pool p;
    uk::packet frame = p.store.take();
    frame.push_back(60);
    CHECK(mark_sum(header(0, 34, 16), frame));
    CHECK(frame.sum() == uk::packet_sum::unknown);
    CHECK(mark_sum(header(2, 0xffff, 0xffff), frame));
    CHECK(frame.sum() == uk::packet_sum::right);
    CHECK(mark_sum(header(0, 34, 16), frame));
    CHECK(frame.sum() == uk::packet_sum::unknown);
    CHECK(mark_sum(header(3, 34, 16), frame));
    CHECK(frame.sum() == uk::packet_sum::partial);
    CHECK(frame.sum_from() == 34);
    CHECK(frame.sum_field() == 16);
}

TEST_CASE("a checksum's place beyond the frame is refused, to the octet") {
    pool p;
    uk::packet frame = p.store.take();
    frame.push_back(60);
    CHECK(mark_sum(header(1, 34, 24), frame));
    CHECK(mark_sum(header(1, 58, 0), frame));
    for (const auto& [start, offset] : {std::pair{34, 25},
                                        {59, 0},
                                        {60, 0},
                                        {0, 59},
                                        {0xffff, 0},
                                        {0, 0xffff},
                                        {0xffff, 0xffff},
                                        {0xffff, 1},
                                        {0x8000, 0x8000},
                                        {0xfff0, 0x20}}) {
        CHECK(!mark_sum(header(1, static_cast<std::uint16_t>(start), static_cast<std::uint16_t>(offset)), frame));
    }
    frame.truncate(1);
    CHECK(!mark_sum(header(1, 0, 0), frame));
}

TEST_CASE("a frame to send asks for its checksum where that is partial") {
    pool p;
    uk::packet frame = p.store.take();
    frame.push_back(20);
    for (const bool right : {false, true}) {
        frame.mark_sum(right);
        const auto h = header_for(frame);
        const virtio_net_header zero{};
        CHECK(std::memcmp(&h, &zero, sizeof h) == 0);
    }
    frame.mark_partial_sum(0, 16);
    frame.push_front(34);
    const auto h = header_for(frame);
    const auto wanted = header(1, 34, 16);
    CHECK(std::memcmp(&h, &wanted, sizeof h) == 0);
}

TEST_CASE("a checksum's place that no transport has is refused") {
    pool p;
    uk::packet frame = p.store.take(0);
    frame.push_back(256);
    CHECK(mark_sum(header(1, 0, 254), frame));
    uk::raw_memory<sizeof(uk::packet_buffer) + 512> memory;
    uk::packet_store store(memory.all(), 512);
    uk::packet larger = store.take(0);
    larger.push_back(512);
    CHECK(mark_sum(header(1, 0, 255), larger));
    CHECK(larger.sum_field() == 255);
    CHECK(!mark_sum(header(1, 0, 256), larger));
}

TEST_CASE("a frame to be cut says where its text begins and how long a segment is") {
    pool p;
    uk::packet frame = p.store.take();
    frame.push_back(32);
    frame.mark_partial_sum(0, 16);
    frame.mark_segments(1448);
    frame.push_front(34);
    const auto h = header_for(frame);
    auto wanted = header(1, 34, 16);
    wanted.segment_type = 1;
    wanted.header_octets = 66;
    wanted.segment_octets = 1448;
    CHECK(std::memcmp(&h, &wanted, sizeof h) == 0);
}
