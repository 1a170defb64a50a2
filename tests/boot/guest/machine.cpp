// SPDX-License-Identifier: BSL-1.0
// What a program may expect of the machine below it, one mode for each; the tests know what must be on the console.

#include "mode.hpp"

#include <uk/bytes.hpp>
#include <uk/uk.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

using namespace uk::literals;

struct machine : uk::stack<uk::target, uk::uses<uk::port::tasks, uk::port::clock, uk::port::entropy>> {};

namespace {

// The time between `begin` and `end` is what the test measures by its own clock. On ours, a sleep counts from the start
// of the round, which is what timers know.
uk::task<> sleeps(machine& os, uk::duration length, int rounds) {
    auto& console = os[uk::port::console];
    const auto milliseconds = length.count() / 1'000'000;
    while (rounds-- != 0) {
        co_await uk::yield();
        const uk::instant before = os.scheduler().now();
        console.print("begin {}\n", milliseconds);
        co_await uk::sleep(length);
        console.print("end {}\n", milliseconds);
        const uk::duration took = os[uk::port::clock].now() - before;
        console.print("slept {} for {}\n", milliseconds, took.count());
    }
    co_return {};
}

uk::task<> clock(machine& os) {
    uk::instant last = os[uk::port::clock].now();
    const uk::instant first = last;
    for (int i = 0; i != 200'000; ++i) {
        const uk::instant now = os[uk::port::clock].now();
        if (now < last) {
            os[uk::port::console].print("back from {} to {}\n", last.ns, now.ns);
            co_return uk::fail(uk::error::invalid);
        }
        last = now;
    }
    if (last == first) co_return uk::fail(uk::error::invalid);
    os[uk::port::console].print("never back\n");
    co_await (co_await sleeps(os, 20ms, 5));
    co_return co_await sleeps(os, 300ms, 3);
}

// A sleep after a long computation is no shorter for it.
uk::task<> late_sleep(machine& os) {
    auto& clock = os[uk::port::clock];
    co_await uk::yield();
    const uk::instant busy = clock.now() + 30ms;
    while (clock.now() < busy) {
    }
    const uk::instant before = clock.now();
    co_await uk::sleep(20ms);
    const uk::duration took = clock.now() - before;
    os[uk::port::console].print("slept {} for {}\n", 20, took.count());
    co_return {};
}

// Sums 1/n² to about π²/6, in tasks that take turns, so that a register lost while another one runs shows.
uk::task<> sum(machine&, int first, volatile double& total, int& running) {
    double own = 0;
    for (volatile int n = first; n <= 4000; n = n + 2) {
        own += 1.0 / (static_cast<double>(n) * n);
        if (n % 64 < 2) co_await uk::yield();
    }
    total = total + own;
    --running;
    co_return {};
}

uk::task<> floating_point(machine& os) {
    volatile double total = 0;
    int running = 2;
    co_await sum(os, 1, total, running).detach();
    co_await sum(os, 2, total, running).detach();
    while (running != 0) co_await uk::sleep(1ms);
    volatile double root = 2;
    double value = root;
    asm("sqrtsd %0, %0" : "+x"(value));
    const float single = static_cast<float>(root) / 3.0F;
    os[uk::port::console].print("sum {} root {} single {}\n", static_cast<int>(total * 1e6),
                                static_cast<int>(value * 1e6), static_cast<int>(single * 1e6F));
    co_return {};
}

uk::task<> hold(machine&, uk::event& release, int& living) {
    ++living;
    co_await release;
    --living;
    co_return {};
}

// Tasks until the arena says no; after they ended there is room for as many again.
uk::task<> arena(machine& os) {
    uk::event release;
    int living = 0, counts[2] = {};
    for (int& count : counts) {
        uk::result<> started;
        while ((started = hold(os, release, living).detach())) ++count;
        os[uk::port::console].print("{} tasks, then: {}\n", count, describe(started.error()));
        const uk::result<> awaited = co_await hold(os, release, living);
        os[uk::port::console].print("awaited: {}\n", awaited ? "done" : describe(awaited.error()));
        if (living != count) co_return uk::fail(uk::error::invalid);
        release.notify_all(os.scheduler());
        while (living != 0) co_await uk::yield();
    }
    if (counts[0] != counts[1]) co_return uk::fail(uk::error::invalid);
    os[uk::port::console].print("as many again\n");
    co_return {};
}

uk::task<> entropy(machine& os) {
    for (int i = 0; i != 2; ++i) {
        std::array<std::byte, 40> octets{};
        const bool filled = os[uk::port::entropy].fill(octets);
        auto& console = os[uk::port::console];
        console.print("fill {}", filled);
        for (const std::byte octet : octets) console.print(" {}", uk::hex(static_cast<std::uint8_t>(octet), 2));
        console.print("\n");
    }
    co_return {};
}

// The functions of src/boot/memory.cpp, which no hosted test can reach, against loops of single octets.
[[gnu::noinline]] bool memory_functions(std::size_t size, std::size_t from, std::size_t to) {
    std::array<std::uint8_t, 200> wanted, found;
    const auto reset = [&] {
        for (std::size_t i = 0; i != found.size(); ++i) wanted[i] = found[i] = static_cast<std::uint8_t>(7 * i + 1);
    };
    // Hides the numbers, so that the calls stay calls.
    asm volatile("" : "+r"(size), "+r"(from), "+r"(to));
    reset();
    for (std::size_t i = 0; i != size; ++i) wanted[to + i] = static_cast<std::uint8_t>(7 * (from + i) + 1);
    std::memmove(found.data() + to, found.data() + from, size);
    bool ok = wanted == found;
    reset();
    for (std::size_t i = 0; i != size; ++i) wanted[to + i] = 0x5a;
    std::memset(found.data() + to, 0x5a, size);
    ok &= wanted == found;
    std::memcpy(found.data(), wanted.data(), from + size);
    ok &= std::memcmp(found.data(), wanted.data(), from + size) == 0;
    if (size != 0) {
        found[from + size - 1] ^= 0x80;
        const bool larger = found[from + size - 1] > wanted[from + size - 1];
        ok &= (std::memcmp(found.data(), wanted.data(), from + size) > 0) == larger;
        ok &= std::memcmp(found.data(), wanted.data(), from + size - 1) == 0;
    }
    return ok;
}

uk::task<> memory(machine& os) {
    unsigned bad = 0, all = 0;
    for (std::size_t size = 0; size <= 40; ++size) {
        for (std::size_t from = 0; from <= 20; ++from) {
            for (std::size_t to = 0; to <= 20; ++to, ++all) bad += memory_functions(size, from, to) ? 0 : 1;
        }
    }
    os[uk::port::console].print("{} of {} wrong\n", bad, all);
    co_return {};
}

uk::task<> wait(machine& os) {
    os[uk::port::console].print("A\n");
    co_await uk::sleep(1h);
    os[uk::port::console].print("B\n");
    co_return {};
}

}  // namespace

uk::task<> app(machine& os) {
    if (mode() == "clock") co_return co_await clock(os);
    if (mode() == "late-sleep") co_return co_await late_sleep(os);
    if (mode() == "float") co_return co_await floating_point(os);
    if (mode() == "arena") co_return co_await arena(os);
    if (mode() == "entropy") co_return co_await entropy(os);
    if (mode() == "memory") co_return co_await memory(os);
    if (mode() == "wait") co_return co_await wait(os);
    co_return uk::fail(uk::error::invalid);
}

int main() { return uk::run<machine>(app); }
