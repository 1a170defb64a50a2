// SPDX-License-Identifier: BSL-1.0
#include <uk/drv/virtio_net.hpp>

#include "virtio_net_rig.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace fake_net;
using namespace uk::drv;

namespace {

constexpr virtio_net_options unwatched{.receive_queue = 8, .send_queue = 8, .reserve = 4, .least = 2, .watch = false};

template <class Driver>
concept tells_link = requires(Driver& d) { d.link_came_up(); };

/// True when `f` panics; in a process of its own, whose last words nobody reads.
template <class F>
bool panics(F f) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(1);
        ::close(2);
        f();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 127;
}

}  // namespace

TEST_CASE("virtio_net comes up with what it needs and no more") {
    rig r;
    r.card.offered = ~std::uint64_t{0};
    r.card.config = {0x02, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0xdc, 0x05};
    auto& net = r.start();
    CHECK(r.card.accepted ==
          (virtio_feature::version_1 | virtio_feature::net_mac | virtio_feature::net_mtu | virtio_feature::net_status));
    CHECK(r.card.status == 15);
    CHECK(r.card.config_wakes);
    CHECK(net.address() == uk::mac{{2, 1, 2, 3, 4, 5}});
    CHECK(net.mtu() == 1500);
    CHECK(r.rx.wakes);
    CHECK(r.rx.driver_flags() == 0);
    CHECK(r.tx.wakes);
    CHECK(r.rx.waiting() == 8);
    CHECK(r.rx.rings == 0);
    net.flush();
    CHECK(r.rx.rings == 1);
    CHECK(r.tx.rings == 0);
    CHECK(r.tx.driver_flags() == 1);
}

TEST_CASE("virtio_net: a card's address and MTU are taken only where they can be") {
    rig r;
    r.card.config = {0x03, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0x28, 0x23};
    SUBCASE("not offered") {}
    SUBCASE("a group address, and an MTU larger than the buffers") {
        r.card.offered |= virtio_feature::net_mac | virtio_feature::net_mtu;
    }
    SUBCASE("all zero, and an MTU of no use") {
        r.card.offered |= virtio_feature::net_mac | virtio_feature::net_mtu;
        r.card.config = {};
    }
    auto& net = r.start();
    CHECK(net.address() == small.address);
    CHECK(net.mtu() == 1500);
    CHECK((r.card.accepted & virtio_feature::net_mtu) == 0);
}

TEST_CASE("virtio_net panics where there is no card, or none that it can drive") {
    rig r;
    CHECK(!panics([&] { r.start(); }));
    SUBCASE("none") { r.card.lack = virtio_lack::device; }
    SUBCASE("no MSI-X") { r.card.lack = virtio_lack::interrupt; }
    SUBCASE("no version 1") { r.card.offered = virtio_feature::net_mac; }
    SUBCASE("no agreement") { r.card.agrees = false; }
    SUBCASE("no receive queue") { r.rx.most = 0; }
    SUBCASE("no send queue") { r.tx.most = 0; }
    SUBCASE("no vector") { r.card.has_vectors = false; }
    SUBCASE("a configuration that never holds still") { r.card.config_changes = 1'000'000; }
    CHECK(panics([&] { r.start(); }));
}

TEST_CASE("virtio_net: a smaller MTU is kept to") {
    rig r;
    r.card.offered |= virtio_feature::net_mtu;
    r.card.config[10] = 68;
    CHECK(r.start().mtu() == 68);
    CHECK((r.card.accepted & virtio_feature::net_mtu) != 0);
}

TEST_CASE("virtio_net: a configuration that changes while it is read is read again") {
    rig r;
    r.card.offered |= virtio_feature::net_mac;
    r.card.config[0] = 2;
    r.card.config_changes = 4;
    CHECK(r.start().address() == uk::mac{{2}});
    CHECK(r.card.config_changes == 0);
}

TEST_CASE("virtio_net: frames arrive whole and in order, with the network header aligned") {
    rig r;
    auto& net = r.start();
    CHECK(!net.receive());
    for (unsigned round = 0; round < 1000; ++round) {
        r.arrive(60, round);
        r.arrive(1514, round + 1);
        const uk::packet a = net.receive();
        CHECK(holds(a, 60, round));
        CHECK(reinterpret_cast<std::uintptr_t>(a.data() + 14) % 4 == 0);
        CHECK(holds(net.receive(), 1514, round + 1));
        CHECK(!net.receive());
        net.flush();
        REQUIRE(r.rx.waiting() == 8);
    }
    CHECK(net.counters().received == 2000);
    CHECK(r.store().available() == 32 - 8);
}

TEST_CASE("virtio_net: indices wrap in both directions") {
    rig r;
    auto& net = r.start();
    for (unsigned round = 0; round < 70'000; ++round) {
        r.arrive(64, round);
        REQUIRE(holds(net.receive(), 64, round));
        REQUIRE(net.send(r.frame(20, round)));
        r.tx.give(r.tx.take(), 0);
        net.flush();
    }
    CHECK(net.counters().received == 70'000);
    CHECK(net.counters().sent == 70'000);
    CHECK(net.counters().bad_id + net.counters().bad_index == 0);
    CHECK(r.store().available() == 32 - 8);
}

TEST_CASE("virtio_net: the line is acknowledged once a turn, before the ring is looked at") {
    rig r;
    auto& net = r.start();
    CHECK(!net.receive());
    CHECK(r.card.acknowledged == 1);
    r.arrive(64, 1);
    r.arrive(64, 2);
    CHECK(net.receive());
    CHECK(net.receive());
    CHECK(!net.receive());
    CHECK(r.card.acknowledged == 1);
    net.flush();
    CHECK(!net.receive());
    CHECK(r.card.acknowledged == 2);
}

TEST_CASE("virtio_net: a length that cannot be is counted, and the frame dropped") {
    rig r;
    auto& net = r.start();
    const std::size_t posted = r.store().capacity() - 2;
    r.arrive(60, 0, 0);
    r.arrive(60, 0, 11);
    r.arrive(60, 0, 12);
    r.arrive(60, 0, static_cast<std::int64_t>(posted + 1));
    r.arrive(60, 0, 0xffff'ffff);
    r.arrive(60, 0, 0x1'0000 + 72);
    r.arrive(60, 9);
    CHECK(holds(net.receive(), 60, 9));
    CHECK(net.counters().receive_short == 3);
    CHECK(net.counters().receive_long == 3);
    CHECK(net.counters().received == 1);
    net.flush();
    CHECK(r.rx.waiting() == 8);
    CHECK(r.store().available() == 32 - 8);
    // The largest that was posted, and the smallest that is a frame.
    r.arrive(60, 3, static_cast<std::int64_t>(posted));
    CHECK(net.receive().size() == posted - 12);
    r.arrive(60, 3, 13);
    CHECK(net.receive().size() == 1);
}

TEST_CASE("virtio_net: used ids that cannot be do no harm") {
    rig r;
    auto& net = r.start();
    const auto id = r.arrive(60, 1);
    r.rx.give(id, 72);
    r.rx.give(8, 72);
    r.rx.give(0xffff'ffff, 72);
    r.arrive(60, 2);
    CHECK(holds(net.receive(), 60, 1));
    CHECK(holds(net.receive(), 60, 2));
    CHECK(!net.receive());
    CHECK(net.counters().bad_id == 3);
    CHECK(net.counters().stopped == 0);
    r.tx.give(0, 0);
    net.flush();
    CHECK(net.counters().bad_index == 1);  // nothing was being sent
}

TEST_CASE("virtio_net: a device whose index jumps is stopped, and everything it had comes back") {
    rig r;
    auto& net = r.start();
    uk::packet owner = r.store().take();
    uk::outgoing out = r.frame(40, 0);
    out.body = owner.contents();
    out.owner = std::move(owner);
    CHECK(net.send(std::move(out)));
    r.arrive(60, 1);
    SUBCASE("receiving") {
        r.rx.jump(1000);
        CHECK(!net.receive());
    }
    SUBCASE("sending") { r.tx.jump(2); }
    net.flush();
    CHECK(net.counters().bad_index == 1);
    CHECK(net.counters().stopped == 1);
    CHECK(r.card.status == 0);
    CHECK(r.store().available() == 32);
    CHECK(!net.receive());
    CHECK(!net.send(r.frame(40, 0)));
    net.flush();
    CHECK(r.store().available() == 32);
    CHECK(net.counters().stopped == 1);
}

TEST_CASE("virtio_net: a device that does not stop keeps its buffers") {
    rig r;
    auto& net = r.start();
    r.card.resets = false;
    r.rx.jump(1000);
    CHECK(!net.receive());
    net.flush();
    CHECK(net.counters().stopped == 1);
    CHECK(r.store().available() == 32 - 8);
    CHECK(!net.receive());
}

TEST_CASE("virtio_net unwatched: no notices, and a device that needs a reset is given up when sending stalls") {
    rig<32, unwatched> r;
    r.card.offered |= virtio_feature::net_status;
    auto& net = r.start();
    static_assert(tells_link<rig<>::driver> && !tells_link<decltype(r)::driver>);
    CHECK(r.card.accepted == virtio_feature::version_1);
    CHECK(!r.card.config_wakes);
    CHECK(net.has_link());
    r.card.status |= virtio_status::needs_reset;
    for (unsigned i = 0; i < 8; ++i) CHECK(net.send(r.frame(20, i)));
    const int reads = r.card.status_reads;
    net.flush();
    CHECK(r.card.status_reads == reads);
    CHECK(net.counters().stopped == 0);
    CHECK(!net.send(r.frame(20, 9)));
    net.flush();
    CHECK(net.counters().stopped == 1);
    CHECK(r.store().available() == 32);
}

TEST_CASE("virtio_net: a frame is sent behind a header of zeros, in one piece or two") {
    rig r;
    auto& net = r.start();
    const uk::packet scratch = r.store().take();  // so that the buffer behind the header is not fresh
    uk::outgoing one = r.frame(60, 1);
    std::memset(one.head.data() - 12, 0xff, 12);
    CHECK(net.send(std::move(one)));
    static constexpr std::byte text[]{std::byte{7}, std::byte{8}, std::byte{9}};
    uk::outgoing two = r.frame(54, 2);
    two.body = text;
    CHECK(net.send(std::move(two)));
    CHECK(r.tx.rings == 0);
    net.flush();
    CHECK(r.tx.rings == 1);
    REQUIRE(r.tx.waiting() == 2);

    const auto first = r.tx.pieces(r.tx.take());
    REQUIRE(first.size() == 1);
    CHECK(first[0].flags == 0);
    REQUIRE(first[0].length == 72);
    for (std::size_t i = 0; i < 12; ++i) CHECK(first[0].data()[i] == std::byte{0});
    for (std::size_t i = 0; i < 60; ++i) CHECK(first[0].data()[12 + i] == static_cast<std::byte>(1 + i));

    const auto second = r.tx.pieces(r.tx.take());
    REQUIRE(second.size() == 2);
    CHECK(second[0].length == 66);
    CHECK(second[1].data() == text);
    CHECK(second[1].length == 3);
    CHECK(second[1].flags == 0);
}

TEST_CASE("virtio_net: head and owner are kept until the device is done, whatever the order") {
    rig r;
    auto& net = r.start();
    const std::size_t before = r.store().available();
    for (unsigned i = 0; i < 2; ++i) {
        uk::packet owner = r.store().take();
        uk::outgoing out = r.frame(40, i);
        out.body = uk::bytes(owner.data(), 10);
        out.owner = std::move(owner);
        CHECK(net.send(std::move(out)));
    }
    net.flush();
    CHECK(r.store().available() == before - 4);
    const auto a = r.tx.take();
    const auto b = r.tx.take();
    r.tx.give(b, 0);
    net.flush();
    CHECK(r.store().available() == before - 2);
    CHECK(r.tx.pieces(a)[1].length == 10);
    r.tx.give(a, 0xffff'ffff);
    net.flush();
    CHECK(r.store().available() == before);
}

TEST_CASE("virtio_net: a full ring drops, counts, rings, and recovers without a flush") {
    rig r;
    auto& net = r.start();
    static constexpr std::byte text[1]{};
    const auto before = r.store().available();
    for (unsigned i = 0; i < 7; ++i) CHECK(net.send(r.frame(20, i)));
    {
        uk::outgoing two = r.frame(20, 7);
        two.body = text;
        CHECK(!net.send(std::move(two)));
    }
    CHECK(net.send(r.frame(20, 7)));
    CHECK(!net.send(r.frame(20, 8)));
    CHECK(net.counters().send_full == 2);
    CHECK(net.counters().sent == 8);
    CHECK(r.tx.rings == 2);
    CHECK(r.store().available() == before - 8);
    r.tx.give(r.tx.take(), 0);
    CHECK(net.send(r.frame(20, 9)));
    CHECK(net.counters().send_full == 2);
}

TEST_CASE("virtio_net: reception leaves the reserve to others and takes no more than the store has") {
    rig<10> r;
    auto& net = r.start();
    CHECK(r.rx.waiting() == 6);
    CHECK(r.store().available() == 4);
    {
        std::vector<uk::packet> others;
        for (int i = 0; i < 4; ++i) others.push_back(r.store().take());
        std::vector<uk::packet> held;
        for (unsigned i = 0; i < 6; ++i) {
            r.arrive(60, i);
            held.push_back(net.receive());
            CHECK(holds(held.back(), 60, i));
            net.flush();
        }
        CHECK(r.rx.waiting() == 0);
        CHECK(!net.receive());
        CHECK(r.store().exhausted() == 0);
        // Below the least, even the reserve is used.
        others.pop_back();
        net.flush();
        CHECK(r.rx.waiting() == 1);
        others.clear();
        net.flush();
        CHECK(r.rx.waiting() == 2);
        CHECK(r.store().available() == 2);
    }
    net.flush();
    CHECK(r.rx.waiting() == 6);
    CHECK(r.store().available() == 4);
}

TEST_CASE("virtio_net: the end of sending wakes the machine only where reception waits for the buffers") {
    rig<8> r;
    auto& net = r.start();
    std::vector<uk::packet> others;
    CHECK(net.send(r.frame(60, 1)));
    net.flush();
    CHECK(r.tx.driver_flags() == 1);
    while (r.store().available() > 1) others.push_back(r.store().take());
    CHECK(net.send(r.frame(60, 2)));
    for (unsigned i = 0; i < 3; ++i) {
        r.arrive(60, i);
        others.push_back(net.receive());
    }
    net.flush();
    CHECK(r.rx.waiting() == 1);
    CHECK(r.tx.driver_flags() == 0);
    // So it does; the next turn finds the buffer and hands it on.
    r.tx.give(r.tx.take(), 0);
    net.flush();
    CHECK(r.rx.waiting() == 2);
    CHECK(r.tx.driver_flags() == 1);
    // It may be back before the device knows that we wait for it.
    r.arrive(60, 9);
    others.push_back(net.receive());
    CHECK(r.store().available() == 0);
    r.tx.give(r.tx.take(), 0);
    net.flush();
    CHECK(r.rx.waiting() == 2);
    CHECK(r.tx.waiting() == 0);
}

TEST_CASE("virtio_net gives everything back when it is torn down") {
    rig r;
    auto& net = r.start();
    CHECK(net.send(r.frame(20, 0)));
    r.net.reset();
    CHECK(r.card.status == 0);
    CHECK(r.store().available() == 32);
}

TEST_CASE("virtio_net: the link is followed from the start, and nothing is sent while it is down") {
    rig r;
    r.card.offered |= virtio_feature::net_status;
    auto& net = r.start();
    const auto set = [&](bool up) {
        r.card.config[6] = up ? 1 : 2;  // 2 is another bit of the status
        r.card.tell_change();
    };
    const auto free = r.store().available();
    CHECK(!net.has_link());
    CHECK(!net.link_came_up());
    CHECK(net.send(r.frame(20, 0)));
    CHECK(net.counters().no_link == 1);
    CHECK(r.tx.waiting() == 0);
    CHECK(r.store().available() == free);

    set(true);
    CHECK(net.link_came_up());
    CHECK(!net.link_came_up());
    CHECK(net.has_link());
    CHECK(net.send(r.frame(20, 1)));

    set(false);
    CHECK(!net.link_came_up());
    CHECK(!net.has_link());
    CHECK(net.send(r.frame(20, 2)));
    CHECK(r.tx.waiting() == 1);
    r.arrive(60, 3);  // what the card received before
    CHECK(holds(net.receive(), 60, 3));
    CHECK(net.counters().no_link == 2);
    CHECK(net.counters().sent == 1);
    set(true);
    CHECK(net.link_came_up());
    set(false);
    set(true);  // nobody looked in between
    CHECK(net.link_came_up());
    CHECK(!net.link_came_up());
}

TEST_CASE("virtio_net: a card that does not tell its link's state has one; while nothing changes, it is not asked") {
    rig r;
    auto& net = r.start();
    CHECK((r.card.accepted & virtio_feature::net_status) == 0);
    CHECK(net.send(r.frame(20, 1)));
    CHECK(net.counters().no_link == 0);
    const int reads = r.card.status_reads;
    for (int i = 0; i < 100; ++i) CHECK(!net.link_came_up());
    CHECK(r.card.status_reads == reads);
    r.card.tell_change();
    CHECK(net.link_came_up());
    CHECK(r.card.status_reads == reads + 1);
}

TEST_CASE("virtio_net: a device that needs a reset is begun anew, again and again, and no buffer is lost") {
    rig r;
    r.card.offered |= virtio_feature::net_status;
    r.card.config[6] = 1;
    auto& net = r.start();
    for (unsigned round = 1; round < 40; ++round) {
        // Both rings somewhere else each time; something is on its way in both directions, one frame with an owner.
        for (unsigned i = 0; i < round % 3; ++i) {
            r.arrive(60, i);
            CHECK(holds(net.receive(), 60, i));
            CHECK(net.send(r.frame(20, i)));
            r.tx.give(r.tx.take(), 0);
            net.flush();
        }
        uk::packet owner = r.store().take();
        uk::outgoing two = r.frame(40, 0);
        two.body = owner.contents();
        two.owner = std::move(owner);
        CHECK(net.send(std::move(two)));
        CHECK(net.send(r.frame(40, 1)));
        r.arrive(60, 7);
        r.card.status |= virtio_status::needs_reset;
        r.card.config[6] = round % 2;
        r.card.tell_change();
        CHECK(net.link_came_up() == (round % 2 == 1));
        REQUIRE(r.card.status == 15);
        CHECK(r.card.begun == static_cast<int>(round) + 1);
        CHECK(r.card.config_wakes);
        CHECK(r.rx.enabled + r.tx.enabled == 2);
        CHECK(r.rx.waiting() == 8);
        CHECK(r.tx.waiting() == 0);
        CHECK(r.store().available() == 32 - 8);
        CHECK(net.counters().resets == round);
        CHECK(net.counters().stopped == 0);
        CHECK(!net.receive());
        r.card.config[6] = 1;
        r.card.tell_change();
        CHECK(net.link_came_up());
        r.arrive(60, round);
        CHECK(holds(net.receive(), 60, round));
        CHECK(net.send(r.frame(60, round)));
        const int rings = r.tx.rings;
        net.flush();
        CHECK(r.tx.rings == rings + 1);
        r.tx.give(r.tx.take(), 0);
        net.flush();
        CHECK(r.store().available() == 32 - 8);
    }
    CHECK(net.counters().bad_id + net.counters().bad_index == 0);
}

TEST_CASE("virtio_net: DEVICE_NEEDS_RESET without a notice is found when sending stalls") {
    rig r;
    auto& net = r.start();
    r.card.status |= virtio_status::needs_reset;
    for (unsigned i = 0; i < 8; ++i) CHECK(net.send(r.frame(20, i)));
    const int reads = r.card.status_reads;
    net.flush();
    CHECK(r.card.status_reads == reads);
    CHECK(!net.send(r.frame(20, 9)));
    net.flush();
    CHECK(net.counters().resets == 1);
    CHECK(net.send(r.frame(20, 9)));
    CHECK(net.counters().stopped == 0);
    CHECK(r.store().available() == 32 - 8 - 1);
}

TEST_CASE("virtio_net: a device that cannot be begun anew is given up") {
    rig r;
    auto& net = r.start();
    CHECK(net.send(r.frame(20, 0)));
    std::size_t free = 32;
    r.card.status |= virtio_status::needs_reset;
    SUBCASE("it does not stop") {
        r.card.resets = false;
        free = 32 - 8 - 1;
    }
    SUBCASE("it does not agree any more") { r.card.agrees = false; }
    SUBCASE("it has no queue any more") { r.tx.most = 0; }
    r.card.tell_change();
    net.link_came_up();
    CHECK(net.counters().stopped == 1);
    CHECK(r.store().available() == free);
    CHECK(!net.send(r.frame(20, 0)));
    CHECK(!net.receive());
    r.card.tell_change();
    CHECK(!net.link_came_up());
    net.flush();
    CHECK(r.store().available() == free);
}
