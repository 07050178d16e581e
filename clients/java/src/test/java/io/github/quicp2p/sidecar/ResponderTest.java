package io.github.quicp2p.sidecar;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.protobuf.ByteString;
import io.github.quicp2p.sidecar.gen.overlay.v1.Answer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ResponderTest {
  @Test
  void aReply() {
    Answer answer = Responder.answerOf(3, Replied.of("yes"), null);
    assertEquals(3, answer.getRequestId());
    assertEquals("yes", answer.getPayload().toStringUtf8());
    assertFalse(answer.hasError());
  }

  @Test
  void theAppsOwnError() {
    Answer answer = Responder.answerOf(1, null, new AnswerException("empty", "ask something"));
    assertEquals("empty", answer.getError().getCode());
    assertEquals("ask something", answer.getError().getMessage());
  }

  @Test
  void anythingElseIsInternal() {
    assertEquals("internal", code(null, new IllegalStateException("a bug")));
    assertEquals("internal", code(null, null));
    assertEquals("internal", code(null, new AnswerException("", "no code")));
    assertEquals("internal", code(null, new AnswerException("x".repeat(129), "too long")));
    ByteString large = ByteString.copyFrom(new byte[(16 << 20) + 1]);
    assertEquals("internal", code(new Replied(large, Map.of()), null));
    Map<String, String> headers = Map.of("h", "x".repeat(8 << 10));
    assertEquals("internal", code(new Replied(ByteString.EMPTY, headers), null));
  }

  private static String code(Replied replied, Throwable error) {
    return Responder.answerOf(1, replied, error).getError().getCode();
  }

  @Test
  void wordsAreCutBetweenCharacters() {
    String cut = Responder.shortened("x" + "€".repeat(1000));
    assertEquals("x" + "€".repeat(341), cut);
    assertEquals(1024, cut.getBytes(StandardCharsets.UTF_8).length);
    assertEquals("short", Responder.shortened("short"));
  }
}
