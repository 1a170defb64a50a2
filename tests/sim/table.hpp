// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "hosts.hpp"
#include "plan.hpp"

#include <uk/arch/sim_wire.hpp>
#include <uk/net/tcp_congestion.hpp>
#include <uk/net/tcp_cubic.hpp>
#include <uk/task.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// How much of one endless transfer gets through, over loss, delay, buffer and congestion policy: the golden table.
namespace stage::table {

using namespace uk::literals;

// The policies, and the windows that they are tried with. A new policy is one more line in `for_each_policy`.
template <class Congestion, std::uint32_t Window>
using end = host<uk::net::tcp_limits{.connections = 4,
                                     .receive_window = Window,
                                     .receive_buffers = Window / 1460 + 2,
                                     .send_buffers = Window / 1460 + 2,
                                     .segments = Window / 1460 + 20},
                 4 * (Window / 1460 + 2) + 40, Congestion>;

inline constexpr std::uint32_t windows[] = {16'384, 65'535, 1'000'000};
inline constexpr std::uint32_t losses[] = {0, 1'000, 5'000, 10'000, 30'000, 100'000};  // per million
inline constexpr unsigned round_trips[] = {10, 50, 200};                               // ms
inline constexpr std::uint64_t rate = 100'000'000;
inline constexpr std::uint32_t mss = 1'460;

template <class Use>
void for_each_policy(Use use) {
    use.template operator()<uk::net::new_reno>("new_reno");
    use.template operator()<uk::net::cubic>("cubic");
}

struct cell {
    std::string_view policy;
    std::uint32_t window = 0;
    std::uint32_t loss = 0;
    unsigned round_trip = 0;
    std::uint64_t rate = 0;  ///< octets per second
};

namespace detail {

template <class Host>
uk::task<> sink(Host& os, std::uint64_t& heard) {
    auto listener = co_await os[uk::port::stream].listen(9);
    auto c = co_await (co_await listener.accept());
    while (true) {
        auto text = co_await (co_await c.read());
        heard += text.contents().size();
    }
}

inline constexpr std::array<std::byte, 16'384> nothing{};

template <class Host>
uk::task<> source(Host& os) {
    auto c = co_await (co_await os[uk::port::stream].connect(uk::sim::address_of(1), 9));
    while (true) co_await (co_await c.write(nothing));
}

template <class Host>
std::uint64_t measure(std::uint32_t loss, unsigned round_trip) {
    // Long enough for some hundreds of losses, where there are any.
    constexpr std::uint64_t seconds = 400;
    uk::sim::world w(loss + round_trip);
    uk::sim::seat a(w, 0);
    uk::sim::seat b(w, 1);
    uk::sim::wire cables(w);
    const uk::duration one_way = uk::duration(std::int64_t{round_trip} * 500'000);
    cables.join(a, b, {.bits_per_second = rate, .delay = one_way, .loss = loss},
                {.bits_per_second = rate, .delay = one_way});
    auto left = std::make_unique<Host>(a);
    auto right = std::make_unique<Host>(b);
    std::uint64_t heard = 0;
    a.switch_on(*left);
    b.switch_on(*right);
    if (!sink(*right, heard).detach() || !source(*left).detach()) return 0;
    while (w.step({seconds * 1'000'000'000})) {
    }
    return heard / seconds;
}

constexpr std::uint64_t root(std::uint64_t n) {
    std::uint64_t r = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
        if ((r + bit) * (r + bit) <= n) r += bit;
    }
    return r;
}

}  // namespace detail

/// Octets per second by Mathis, Semke, Mahdavi and Ott (1997): 1.22 MSS / (RTT sqrt(p)); 0 without loss.
constexpr std::uint64_t mathis(std::uint32_t loss, unsigned round_trip) {
    if (loss == 0) return 0;
    // 1 / sqrt(p), in thousandths.
    const std::uint64_t inverse = detail::root(std::uint64_t{1'000'000'000'000} / loss);
    return std::uint64_t{122} * mss * inverse / (std::uint64_t{100} * round_trip);
}

/// What the window alone lets through.
constexpr std::uint64_t by_window(std::uint32_t window, unsigned round_trip) {
    return std::uint64_t{window} * 1'000 / round_trip;
}

/// True where the loss decides, and is not so high that timeouts do.
constexpr bool follows_mathis(const cell& c) {
    const std::uint64_t theory = mathis(c.loss, c.round_trip);
    return c.loss != 0 && c.loss <= 10'000 && 2 * theory <= by_window(c.window, c.round_trip);
}

inline std::vector<cell> all() {
    std::vector<cell> cells;
    for_each_policy([&]<class Congestion>(std::string_view policy) {
        const auto add = [&]<std::uint32_t Window>() {
            for (const unsigned round_trip : round_trips) {
                for (const std::uint32_t loss : losses) {
                    const std::uint64_t r = detail::measure<end<Congestion, Window>>(loss, round_trip);
                    cells.push_back({policy, Window, loss, round_trip, r});
                }
            }
        };
        add.template operator()<windows[0]>();
        add.template operator()<windows[1]>();
        add.template operator()<windows[2]>();
    });
    return cells;
}

/// NewReno keeps to Mathis' formula within this, in percent: losses come by chance, and those close together count as
/// one.
inline constexpr std::uint64_t least_of_mathis = 85;
inline constexpr std::uint64_t most_of_mathis = 115;

inline const cell& reno_beside(const std::vector<cell>& cells, const cell& c) {
    return *std::find_if(cells.begin(), cells.end(), [&](const cell& x) {
        return x.policy == "new_reno" && x.window == c.window && x.loss == c.loss && x.round_trip == c.round_trip;
    });
}

/// The cells that are not where theory has them, as sentences.
inline std::vector<std::string> strays(const std::vector<cell>& cells) {
    std::vector<std::string> found;
    for (const cell& c : cells) {
        const std::string where = say("{}, window {}, RTT {} ms, loss {} per million: {} octets/s", c.policy, c.window,
                                      c.round_trip, c.loss, c.rate);
        const std::uint64_t limit = std::min(by_window(c.window, c.round_trip), rate / 8);
        if (c.rate > limit) found.push_back(say("{}, more than the {} that the window lets through", where, limit));
        if (c.loss == 0 && c.rate < limit * 85 / 100) found.push_back(say("{}, far below the limit {}", where, limit));
        if (c.policy == "cubic" && follows_mathis(c)) {
            // RFC 9438: nowhere less than Reno, and more where the path is long and fat.
            const std::uint64_t percent = c.rate * 100 / reno_beside(cells, c).rate;
            const bool fat = c.round_trip >= 200 && c.loss <= 1'000;
            if (percent < (fat ? 130 : 100)) found.push_back(say("{}, {} percent of NewReno", where, percent));
        }
        if (c.policy != "new_reno" || !follows_mathis(c)) continue;
        const std::uint64_t percent = c.rate * 100 / mathis(c.loss, c.round_trip);
        if (percent >= least_of_mathis && percent <= most_of_mathis) continue;
        found.push_back(say("{}, {} percent of Mathis' formula", where, percent));
    }
    return found;
}

/// The cells as lines of Markdown.
inline std::string markdown(const std::vector<cell>& cells) {
    std::string out = "| policy | window | RTT ms |";
    for (const std::uint32_t loss : losses) out += say(" {}.{} % |", loss / 10'000, loss / 1'000 % 10);
    out += "\n|---|---|---|";
    for (std::size_t i = 0; i < std::size(losses); ++i) out += "---|";
    for (const cell& c : cells) {
        if (c.loss == losses[0]) out += say("\n| {} | {} | {} |", c.policy, c.window, c.round_trip);
        out += say(" {}", c.rate / 1'000);
        if (follows_mathis(c)) out += say(" ({} %)", c.rate * 100 / mathis(c.loss, c.round_trip));
        out += " |";
    }
    return out + "\n";
}

}  // namespace stage::table
