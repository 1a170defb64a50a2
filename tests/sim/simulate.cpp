// SPDX-License-Identifier: BSL-1.0
// The simulator: runs scenarios from seeds, says what was broken, and replays one into a capture.
#include "generate.hpp"
#include "stage.hpp"
#include "table.hpp"

#include <uk/arch/sim_capture.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct options {
    std::uint64_t seed = 1;
    std::uint64_t count = 1;
    const char* pcap = nullptr;
    bool verbose = false;  ///< what each scenario is
    bool trace = false;    ///< a line for each
};

void print(std::FILE* to, const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), to);
    std::fflush(to);
}

void describe(const uk::sim::quality& q, const char* name) {
    print(stdout, stage::say("  {}: {} bit/s, delay {} us, jitter {} us, queue {}, per million: loss {}, twice {}, "
                             "late {} by {} us, corrupt {}{}\n",
                             std::string_view(name), q.bits_per_second, q.delay.count() / 1000, q.jitter.count() / 1000,
                             q.queue, q.loss, q.duplicate, q.reorder, q.reorder_by.count() / 1000, q.corrupt,
                             std::string_view(q.refuses ? ", refuses" : "")));
}

void describe(const stage::scenario& s) {
    print(stdout, stage::say("seed {}: {} hosts, latency {} us{}\n", s.seed, s.kinds.size(), s.latency.count() / 1000,
                             std::string_view(s.gentle ? "" : ", rough")));
    for (std::size_t i = 0; i < s.kinds.size(); ++i) {
        print(stdout, stage::say(" host {} of kind {}\n", i, s.kinds[i]));
        if (!s.switched() && i != 0) continue;
        describe(s.cables[i].up, "from it");
        describe(s.cables[i].down, "to it");
    }
    for (const stage::talk& t : s.talks) {
        print(stdout, stage::say(" talk {} at {} us: {} to {}, {} rounds{}, closing {}\n", t.number, t.start.ns / 1000,
                                 t.how[0].host, t.how[1].host, t.rounds, std::string_view(t.duplex ? " at once" : ""),
                                 static_cast<unsigned>(t.ends)));
        for (const stage::manner& m : t.how) {
            print(stdout, stage::say("  says {} in pieces of {}, pauses {} us{}{}{}\n", m.octets, m.piece,
                                     m.pause.count() / 1000, std::string_view(m.constant ? ", constant" : ""),
                                     std::string_view(m.no_delay ? ", no delay" : ""),
                                     m.aborts ? stage::say(", aborts after {}", m.abort_after) : std::string()));
        }
    }
    for (const stage::mishap& m : s.mishaps) {
        print(stdout, stage::say(" host {} {} at {} us for {} us\n", m.host,
                                 std::string_view(m.crash ? "crashes" : "is cut off"), m.at.ns / 1000,
                                 m.length.count() / 1000));
    }
}

/// What came of all scenarios together.
struct sums {
    std::uint64_t broken = 0;
    std::uint64_t digest = 0;
    std::uint64_t segments = 0;
    std::uint64_t text = 0;
};

void add(sums& all, const stage::outcome& out) {
    all.broken += out.found.count == 0 ? 0 : 1;
    all.digest = uk::sim::random::mix(all.digest ^ out.trace);
    all.segments += out.segments;
    all.text += out.text;
}

stage::outcome perform(stage::theatre& t, const char* pcap) {
    if (pcap == nullptr) return t.run();
    std::FILE* file = std::fopen(pcap, "wb");
    if (file == nullptr) {
        std::perror(pcap);
        std::exit(2);
    }
    uk::sim::capture c(file);
    t.world().watch(c);
    stage::outcome out = t.run();
    if (!c.good() || std::fclose(file) != 0) {
        std::perror(pcap);
        std::exit(2);
    }
    return out;
}

void run(std::uint64_t seed, const options& o, sums& all) {
    auto play = stage::generator(seed, stage::kinds).make();
    if (o.verbose) describe(play);
    stage::theatre t(std::move(play));
    const stage::outcome out = perform(t, o.pcap);
    add(all, out);
    const bool good = out.found.count == 0;
    if (good && !o.trace) return;
    print(stdout, stage::say("seed {} trace {} steps {} segments {} text {} seconds {}{}\n", seed,
                             uk::hex(out.trace, 16), out.steps, out.segments, out.text, out.end.ns / 1'000'000'000,
                             std::string_view(good ? "" : " BROKEN")));
    for (const std::string& f : out.found.all) print(stdout, stage::say("  {}\n", f));
}

int draw_table() {
    const auto cells = stage::table::all();
    print(stdout, stage::table::markdown(cells));
    const auto strays = stage::table::strays(cells);
    for (const std::string& s : strays) print(stderr, stage::say("{}\n", s));
    return strays.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
    options o;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--table") return draw_table();
        if (word == "--verbose" || word == "--trace") {
            (word == "--verbose" ? o.verbose : o.trace) = true;
            continue;
        }
        const bool known = word == "--seed" || word == "--count" || word == "--pcap";
        if (!known || i + 1 == count) {
            std::fprintf(stderr, "%s is unknown, or has no value\n", words[i]);
            return 2;
        }
        const char* value = words[++i];
        if (word == "--seed") o.seed = std::strtoull(value, nullptr, 0);
        if (word == "--count") o.count = std::strtoull(value, nullptr, 0);
        if (word == "--pcap") o.pcap = value;
    }
    sums all;
    for (std::uint64_t i = 0; i < o.count; ++i) run(o.seed + i, o, all);
    print(stdout, stage::say("seeds {} to {}: {} broken, {} segments, {} octets of text, digest {}\n", o.seed,
                             o.seed + o.count - 1, all.broken, all.segments, all.text, uk::hex(all.digest, 16)));
    return all.broken == 0 ? 0 : 1;
}
