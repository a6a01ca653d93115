// SPDX-License-Identifier: Apache-2.0
//
// Programs as devices: their frames byte for byte, and programs that die, hang, lie or change their
// minds.
#include "fusefs/source/exec/exec.h"

#include <cerrno>

#include "tests/unit/source/exec/scripts.h"
#include "tests/unit/source/rig.h"

namespace grabfs {
namespace {

namespace fs = std::filesystem;
using Kind = Completion::Kind;

class Exec : public Scripts {
 protected:
  [[nodiscard]] std::string Spec(const std::string& lines, const std::string& keys = "") const {
    return "exec:" + Script("program", lines) + Keys() + keys;
  }

  static std::string ContentOf(const Rig& rig, const Completion& completion) {
    const auto bytes = rig.buffer(completion.buffer).bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  static bool Contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
};

// --- Frames

TEST_F(Exec, TakesFormatAndRateFromTheProgram) {
  WriteClip("clip", 0, 1);
  const auto source = MakeSourceFrom(Spec("cat $DIR/clip"));
  EXPECT_EQ(source->format(), MakeFrameFormat(kYu12, 16, 16));
  EXPECT_EQ(source->rate(), (Rate{25, 1}));
  EXPECT_EQ(source->description(), "exec:" + Path("program"));
}

TEST_F(Exec, DeliversEveryFrameByteForByte) {
  WriteClip("clip", 0, 100);
  Rig rig(Spec("cat $DIR/clip; sleep 100"));
  rig->Start(0);
  for (int i = 0; i < 100; ++i) {
    const Completion frame = rig.Next();
    ASSERT_EQ(frame.kind, Kind::kFrame) << frame.reason;
    EXPECT_EQ(frame.sequence, static_cast<uint64_t>(i));
    EXPECT_EQ(frame.bytes_used, kFrameBytes);
    EXPECT_EQ(ContentOf(rig, frame), Pixels(i)) << i;
  }
}

TEST_F(Exec, KnowsEveryColourSpaceThatTheFormatTableHas) {
  const auto check = [&](const std::string& space, const std::string& fourcc, size_t bytes) {
    std::ofstream(Path("clip"), std::ios::binary)
        << "YUV4MPEG2 W16 H16 F25:1 C" << space << "\nFRAME\n"
        << Pixels(1, bytes);
    Rig rig(Spec("cat $DIR/clip; sleep 100"));
    EXPECT_EQ(rig->format().name(), fourcc) << space;
    rig->Start(1);
    EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(1, bytes)) << space;
  };
  for (const char* space : {"420", "420jpeg", "420mpeg2", "420paldv"}) check(space, "YU12", 384);
  check("422", "422P", 512);
  check("444", "444P", 768);
  check("mono", "GREY", 256);
  check("mono10", "Y10", 512);
  check("mono12", "Y12", 512);
  check("mono16", "Y16", 512);
  check("420p10", "S010", 768);
}

TEST_F(Exec, AColourSpaceThatThereIsNotIsRefusedByName) {
  const std::string text = ErrorOf(
      EINVAL, [&] { MakeSourceFrom(Spec("echo 'YUV4MPEG2 W16 H16 F25:1 C411'; sleep 100")); });
  EXPECT_TRUE(Contains(text, "colour space 'C411' is none of")) << text;
}

TEST_F(Exec, FrameHeadersMayHaveParameters) {
  std::ofstream(Path("clip"), std::ios::binary) << kHeader << "FRAME Ip XLONG\n"
                                                << Pixels(1) << "FRAME\n"
                                                << Pixels(2) << "FRAME I\n"
                                                << Pixels(3);
  Rig rig(Spec("cat $DIR/clip; sleep 100"));
  rig->Start(0);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(i));
}

TEST_F(Exec, AFrameWithoutABufferIsLostAndTheNextOneIsWhole) {
  WriteClip("clip", 0, 4);
  Rig rig(Spec("cat $DIR/clip; sleep 100"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  const Completion lost = rig.Next(/*starve=*/true);
  EXPECT_EQ(lost.kind, Kind::kDropped);
  EXPECT_EQ(lost.sequence, 1u);
  const Completion next = rig.Next();
  EXPECT_EQ(next.sequence, 2u);
  EXPECT_EQ(ContentOf(rig, next), Pixels(2));
}

TEST_F(Exec, ALossIsToldBeforeThePixelsCome) {
  Rig rig(Spec("printf 'YUV4MPEG2 W16 H16 F25:1 Cmono\\nFRAME\\n'; sleep 100"));
  rig->Start(0);
  while (rig->Wanted() == 0) {
    ASSERT_EQ(rig->Dequeue(), std::nullopt);
    ASSERT_TRUE(rig->Wanted() > 0 || rig.Wait());
  }
  rig->Starve();
  EXPECT_TRUE(rig.Wait());
  const auto lost = rig->Dequeue();
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->kind, Kind::kDropped);
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  EXPECT_FALSE(rig.Wait(200));
}

TEST_F(Exec, AProgramThatWritesInPiecesMakesWholeFrames) {
  WriteClip("clip", 0, 2);
  Rig rig(
      Spec("dd if=$DIR/clip bs=7 2>/dev/null | while dd bs=7 count=1 2>/dev/null | grep -q ''; "
           "do :; done; dd if=$DIR/clip bs=13 2>/dev/null; sleep 100"));
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(0));
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(1));
}

TEST_F(Exec, ALimitedCaptureEndsAfterItsFrames) {
  WriteClip("clip", 0, 9);
  Rig rig(Spec("cat $DIR/clip; sleep 100"));
  rig->Start(2);
  rig.Take(2);
  EXPECT_EQ(rig->Wanted(), 0u);
  EXPECT_EQ(rig->Dequeue(), std::nullopt);
  EXPECT_FALSE(rig.Wait(200)) << "nothing is due, yet it asks to be looked at";
  rig->Extend(1);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(2));
}

TEST_F(Exec, RunsOnlyWhileItCaptures) {
  WriteClip("clip", 0, 9);
  Rig rig(Spec("echo run >>$DIR/runs; cat $DIR/clip; sleep 100"));
  EXPECT_EQ(Content("runs"), "run\n") << "to see what it makes";
  rig->Start(0);
  rig.Take(1);
  EXPECT_EQ(Content("runs"), "run\nrun\n");
}

TEST_F(Exec, IsNotAskedWhatItMakesWhenTheCommandLineSaysIt) {
  WriteClip("clip", 0, 9);
  Rig rig(
      Spec("echo run >>$DIR/runs; cat $DIR/clip; sleep 100", ",format=YU12,width=16,height=16"));
  EXPECT_EQ(Content("runs"), "");
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(0));
  EXPECT_EQ(rig->rate(), (Rate{25, 1}));
}

TEST_F(Exec, NumbersContinueOverStopAndStart) {
  WriteClip("clip", 0, 9);
  Rig rig(Spec("cat $DIR/clip; sleep 100"));
  rig->Start(0);
  rig.Take(3);
  rig->Stop();
  rig->Start(0);
  const Completion frame = rig.Next();
  EXPECT_EQ(frame.sequence, 3u);
  EXPECT_EQ(ContentOf(rig, frame), Pixels(0))
      << "of the new program, not the rest of the old one's";
}

TEST_F(Exec, FormatAndRateAreTheProgramsOwn) {
  WriteClip("clip", 0, 1);
  const auto source = MakeSourceFrom(Spec("cat $DIR/clip"));
  EXPECT_TRUE(Contains(ErrorOf(EINVAL, [&] { source->SetFormat({.width = 32}); }),
                       "the program makes YU12 16x16"));
  EXPECT_NO_THROW(source->SetFormat({.width = 16}));
  EXPECT_NE(ErrorOf(EINVAL, [&] { source->SetRate({30, 1}); }), "");
  EXPECT_NO_THROW(source->SetRate({25, 1}));
}

// --- Programs that end

TEST_F(Exec, AProgramThatDiesIsStartedAgainAndItsLastWordsAreTold) {
  WriteClip("clip", 0, 2);
  Rig rig(Spec("cat $DIR/clip; echo 'starting up' >&2; echo 'no such camera' >&2; exit 3"));
  rig->Start(0);
  for (uint64_t round = 0; round < 3; ++round) {
    for (int i = 0; i < 2; ++i) {
      const Completion frame = rig.Next();
      ASSERT_EQ(frame.kind, Kind::kFrame) << frame.reason;
      EXPECT_EQ(frame.sequence, round * 2 + static_cast<uint64_t>(i));
      EXPECT_EQ(ContentOf(rig, frame), Pixels(i));
    }
    const Completion trouble = rig.Next();
    EXPECT_EQ(trouble.kind, Kind::kTrouble);
    EXPECT_EQ(trouble.reason,
              "exec:" + Path("program") + ": the program has ended: exit status 3: no such camera");
  }
  EXPECT_EQ(rig->Settings().at("starts"), "3");
}

TEST_F(Exec, AProgramThatIsNotToBeStartedAgainEndsTheCapture) {
  WriteClip("clip", 0, 1);
  Rig rig(Spec("cat $DIR/clip; exit 3", ",restart=never"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_TRUE(Contains(ErrorOf(EIO, [&] { rig.Next(); }), "exit status 3"));
}

TEST_F(Exec, OnFailureMeansThatAProgramThatHasDoneItsWorkIsNotStartedAgain) {
  WriteClip("clip", 0, 1);
  Rig rig(Spec("cat $DIR/clip; test -e $DIR/again; status=$?; touch $DIR/again; exit $status",
               ",restart=on-failure"));
  fs::remove(Path("again"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_TRUE(Contains(rig.Next().reason, "exit status 1"));
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_TRUE(Contains(ErrorOf(EIO, [&] { rig.Next(); }), "exit status 0"));
}

TEST_F(Exec, HalfAFrameHasFailed) {
  std::ofstream(Path("clip"), std::ios::binary) << kHeader << "FRAME\n" << Pixels(0).substr(0, 100);
  Rig rig(Spec("cat $DIR/clip; exit 1"));
  rig->Start(0);
  const Completion half = rig.Next();
  EXPECT_EQ(half.kind, Kind::kError);
  EXPECT_EQ(half.sequence, 0u);
  EXPECT_TRUE(Contains(half.reason, "the frame ends at byte 100")) << half.reason;
  EXPECT_EQ(rig.Next().kind, Kind::kTrouble);
  EXPECT_EQ(rig.Next().sequence, 1u);
}

TEST_F(Exec, AKilledProgramIsNamedBySignal) {
  WriteClip("clip", 0, 1);
  Rig rig(Spec("cat $DIR/clip; kill -SEGV $$"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  const std::string reason = rig.Next().reason;
  EXPECT_TRUE(Contains(reason, "killed by signal 11 (Segmentation fault)")) << reason;
}

TEST_F(Exec, AHangingProgramIsStartedAgain) {
  WriteClip("clip", 0, 1);
  Rig rig(Spec("echo 'waiting for the sun' >&2; cat $DIR/clip; sleep 1000", ",timeout=1"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  const Completion trouble = rig.Next();
  EXPECT_EQ(trouble.kind, Kind::kTrouble);
  EXPECT_TRUE(Contains(trouble.reason, "written nothing for 1 s")) << trouble.reason;
  EXPECT_TRUE(Contains(trouble.reason, "waiting for the sun")) << trouble.reason;
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

TEST_F(Exec, AProgramThatClosesItsOutputIsStartedAgain) {
  WriteClip("clip", 0, 1);
  Rig rig(Spec("cat $DIR/clip; exec >&-; sleep 1000"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_TRUE(Contains(rig.Next().reason, "closed its output"));
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
}

TEST_F(Exec, AProgramThatMakesAnotherSizeEndsTheCaptureAndStartTakesIt) {
  WriteClip("clip", 0, 1);
  std::ofstream(Path("large"), std::ios::binary) << "YUV4MPEG2 W32 H16 F5:1 Cmono\nFRAME\n"
                                                 << Pixels(7, 512);
  Rig rig(Spec("test -e $DIR/grown && exec cat $DIR/large; cat $DIR/clip; exit 1"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  std::ofstream(Path("grown")) << "";
  EXPECT_EQ(rig.Next().kind, Kind::kTrouble);
  const std::string text = ErrorOf(EIO, [&] { rig.Next(); });
  EXPECT_TRUE(Contains(text, "makes GREY 32x16 now, and made YU12 16x16 before")) << text;
  rig->Stop();
  EXPECT_EQ(rig->format(), MakeFrameFormat(kGrey, 32, 16));
  EXPECT_NE(ErrorOf(EINVAL, [&] { rig->Start(0); }), "") << "into buffers of the old size";
  rig.Rebind();
  rig->Start(0);
  EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(7, 512));
}

// --- Programs that write what they should not

TEST_F(Exec, WhatIsNoY4mIsRefused) {
  EXPECT_TRUE(Contains(
      ErrorOf(EINVAL, [&] { MakeSourceFrom(Spec("head -c 1000000 /dev/urandom; sleep 100")); }),
      "does not write YUV4MPEG2"));
  EXPECT_NE(ErrorOf(EINVAL, [&] { MakeSourceFrom(Spec("echo 'YUV4MPEG2 W16'; sleep 100")); }), "");
  EXPECT_NE(ErrorOf(EINVAL,
                    [&] {
                      MakeSourceFrom(
                          Spec("printf 'YUV4MPEG2 W16 H16 X'; yes x | tr -d '\\n'; sleep 100"));
                    }),
            "");
  EXPECT_NE(
      ErrorOf(EINVAL,
              [&] { MakeSourceFrom(Spec("echo 'YUV4MPEG2 W4294967312 H16 Cmono'; sleep 100")); }),
      "");
}

TEST_F(Exec, JunkBetweenFramesEndsTheProgram) {
  for (const std::string junk : {"FRAMF\n", "FRAMES\n", "x", "\n\n\n\n\n\n\n"}) {
    std::ofstream(Path("clip"), std::ios::binary) << kHeader << "FRAME\n" << Pixels(0) << junk;
    Rig rig(Spec("cat $DIR/clip; sleep 1000"));
    rig->Start(0);
    EXPECT_EQ(rig.Next().kind, Kind::kFrame);
    const Completion trouble = rig.Next();
    EXPECT_EQ(trouble.kind, Kind::kTrouble);
    EXPECT_TRUE(Contains(trouble.reason, "no frame header at byte 426")) << trouble.reason;
    EXPECT_EQ(rig.Next().kind, Kind::kFrame) << "started again";
  }
}

TEST_F(Exec, AFrameHeaderWithoutAnEndIsJunk) {
  std::ofstream(Path("clip"), std::ios::binary) << kHeader << "FRAME\n"
                                                << Pixels(0) << "FRAME " << std::string(5000, 'x');
  Rig rig(Spec("cat $DIR/clip; sleep 1000"));
  rig->Start(0);
  EXPECT_EQ(rig.Next().kind, Kind::kFrame);
  EXPECT_TRUE(Contains(rig.Next().reason, "without an end"));
}

TEST_F(Exec, GigabytesOfStandardErrorHoldNothingUp) {
  WriteClip("clip", 0, 3);
  Rig rig(
      Spec("cat $DIR/clip; head -c 2000000000 /dev/zero >&2; printf 'one\\rtwo\\33[31m\\377\\n' "
           ">&2; exit 4",
           ",timeout=0"));
  rig->Start(0);
  rig.Take(3);
  const Completion trouble = rig.Next();
  EXPECT_TRUE(trouble.reason.ends_with("exit status 4: two?[31m?")) << trouble.reason;
}

TEST_F(Exec, AFloodOfStandardErrorWithoutAnEndHoldsNothingUp) {
  WriteClip("clip", 0, 1);
  WriteClip("more", 1, 50, /*header=*/false);
  Rig rig(Spec("yes flood >&2 & cat $DIR/clip; cat $DIR/more; exit 5"));
  rig->Start(0);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ContentOf(rig, rig.Next()), Pixels(i));
  EXPECT_TRUE(Contains(rig.Next().reason, "exit status 5: flood"));
}

// --- Programs that cannot be

TEST_F(Exec, AProgramThatMakesNoFramesIsRefusedWithItsLastWords) {
  const std::string text = ErrorOf(
      EIO, [&] { MakeSourceFrom(Spec("echo 'rtsp://door: no route to host' >&2; exit 1")); });
  EXPECT_EQ(text,
            "exec:" + Path("program") +
                ": the program makes no frames: exit status 1: rtsp://door: no route to host");
}

TEST_F(Exec, AProgramThatSaysNothingIsNotWaitedForForEver) {
  const std::string text =
      ErrorOf(ETIMEDOUT, [&] { MakeSourceFrom(Spec("sleep 1000", ",timeout=1")); });
  EXPECT_TRUE(Contains(text, "no frames within 1 s")) << text;
}

TEST_F(Exec, WhatCannotBeRunIsNamed) {
  EXPECT_NE(ErrorOf(EINVAL, [] { MakeSourceFrom("exec:"); }), "");
  EXPECT_TRUE(Contains(ErrorOf(EINVAL, [] { MakeSourceFrom("exec:ffmpeg"); }), "/where/ffmpeg"));
  std::ofstream(Path("text")) << "no program";
  const std::string text = ErrorOf(EIO, [&] { MakeSourceFrom("exec:" + Path("text") + Keys()); });
  EXPECT_TRUE(Contains(text, "cannot be run: Permission denied")) << text;
  EXPECT_NE(ErrorOf(::geteuid() == 0 ? ENOENT : EIO,
                    [&] { MakeSourceFrom("exec:" + Path("absent") + Keys()); }),
            "");
}

TEST_F(Exec, KeysThatCannotBeAreNamed) {
  EXPECT_TRUE(Contains(ErrorOf(EINVAL, [&] { MakeSourceFrom(Spec("", ",restart=often")); }),
                       "use always, on-failure or never"));
  EXPECT_NE(ErrorOf(EINVAL, [&] { MakeSourceFrom(Spec("", ",timeout=soon")); }), "");
  if (::geteuid() == 0) {
    EXPECT_NE(
        ErrorOf(EINVAL, [&] { MakeSourceFrom("exec:" + Path("program") + ",user=no-such-user"); }),
        "");
  } else {
    EXPECT_NE(ErrorOf(EPERM, [&] { MakeSourceFrom("exec:" + Path("program") + ",user=root"); }),
              "");
  }
}

TEST_F(Exec, RootRunsNoProgramThatOthersCanChange) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's daemon gives rights away";
  WriteClip("clip", 0, 1);
  const std::string spec = Spec("cat $DIR/clip");
  fs::permissions(Path("program"), fs::perms(0777));
  EXPECT_TRUE(Contains(ErrorOf(EPERM, [&] { MakeSourceFrom(spec); }), Path("program")));
}

// --- The end

TEST_F(Exec, TheNextProgramWaitsForTheEndOfTheLastOne) {
  WriteClip("clip", 0, 1);
  Rig rig(
      Spec("exec 9>$DIR/camera; flock -n 9 || { echo 'camera is busy' >&2; exit 1; }; "
           "cat $DIR/clip; trap '' TERM; while :; do sleep 1000; done"));
  for (int i = 0; i < 2; ++i) {
    rig->Start(0);
    const Completion frame = rig.Next();
    EXPECT_EQ(frame.kind, Kind::kFrame) << frame.reason;
    rig->Stop();
  }
}

}  // namespace
}  // namespace grabfs
