// A robot that speaks jsonline, versions 1 and 2: docs/drivers/jsonline.md says what every line means.
//
// NOT TRIED ON A BOARD. It was written from the specification; the Python device that comes with
// robotq (`robotq device`) is the one that is tested. Read it before you let it move anything.
//
// Needs the library ArduinoJson 7 and a board with 8 KB of RAM or more (Mega, ESP32, Pico).
// The robot here is one axis that takes MOVE {"x": mm}; put your own in `motion…` below.

#include <ArduinoJson.h>

const size_t MAX_LINE = 512;
const unsigned long BEAT_MS = 500;
const uint8_t STOP_BYTE = 0x18;
const uint8_t REMEMBERED = 8;
const size_t ID_LENGTH = 48;

// ---- the robot: replace this part -----------------------------------------------------------

float position_mm = 0, target_mm = 0, start_mm = 0;
bool positionKnown = false;  // until it was homed, or told
unsigned long moved_ms = 0;

bool motionBegin(JsonVariantConst params) {
  if (!params["x"].is<float>()) return false;
  start_mm = position_mm;
  target_mm = params["x"];
  moved_ms = millis();
  return true;
}

// One small part of the motion; must return within a millisecond. True at the end.
bool motionGoOn() {
  unsigned long now = millis();
  float most = 0.05 * (now - moved_ms);  // 50 mm/s
  moved_ms = now;
  float left = target_mm - position_mm;
  position_mm = fabs(left) <= most ? target_mm : position_mm + (left > 0 ? most : -most);
  return position_mm == target_mm;
}

void motionHalt() {}  // drivers off, brakes on: whatever stops your robot fastest

float motionProgress() {
  float whole = target_mm - start_mm;
  return whole == 0 ? 1 : (position_mm - start_mm) / whole;
}

// ---- the protocol ---------------------------------------------------------------------------

// REFUSED: the host has asked what became of it, and it had never begun; so it never begins.
enum State { RUNNING, DONE, FAILED, STOPPED, REFUSED };
const char *const STATE_NAMES[] = {"running", "done", "failed", "stopped", "unknown"};

struct Remembered {
  char id[ID_LENGTH];
  State state;
  const char *message;  // why it failed
};

Remembered commands[REMEMBERED];
uint8_t newest = 0;
int8_t running = -1;  // index of the command that runs
uint32_t begun = 0;   // ids that were ever remembered; all of them are in RAM, so a restart
                      // forgets them, and `memory` is the boot id. Keep them in EEPROM, with an
                      // id of their own, and the end of a command outlives a restart
bool latched = false, held = false;
char boot[9];
char line[MAX_LINE];
size_t length = 0;
bool overlong = false;
unsigned long reported_ms = 0;

uint16_t checksum(const char *bytes, size_t count) {
  uint16_t crc = 0xFFFF;
  for (size_t i = 0; i < count; i++) {
    crc ^= (uint16_t)(uint8_t)bytes[i] << 8;
    for (uint8_t bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return crc;
}

void say(JsonDocument &message) {
  static char out[MAX_LINE];
  size_t count = serializeJson(message, out, sizeof(out));
  char mark[8];
  snprintf(mark, sizeof(mark), "#%04x", checksum(out, count));
  Serial.write((const uint8_t *)out, count);
  Serial.print(mark);
  Serial.write('\n');
}

void sayEvent(const char *event) {
  JsonDocument message;
  message["ev"] = event;
  message["boot"] = boot;
  say(message);
}

void sayError(const char *id, const char *code, const char *text) {
  JsonDocument message;
  message["id"] = id;
  message["error"]["code"] = code;
  message["error"]["message"] = text;
  say(message);
}

void sayRefused(const char *id, const char *code, const char *text) {
  JsonDocument message;
  message["id"] = id;
  message["state"] = "refused";
  message["error"]["code"] = code;
  message["error"]["message"] = text;
  say(message);
}

// All that is to be told of a command; the float and the texts are those of this sketch.
void describe(int8_t index, JsonObject message) {
  Remembered &command = commands[index];
  message["id"] = command.id;
  message["state"] = STATE_NAMES[command.state];
  if (command.state == RUNNING) {
    message["progress"] = motionProgress();
    message["step"]["n"] = 1;
    message["step"]["name"] = "MOVING";
  } else if (command.state == DONE) {
    message["result"]["x_mm"] = position_mm;
  } else if (command.state == FAILED) {
    message["error"]["code"] = "device_error";
    message["error"]["message"] = command.message;
  } else if (command.state == REFUSED) {
    message["refused"] = true;
  }
}

void report(int8_t index) {
  JsonDocument message;
  describe(index, message.to<JsonObject>());
  say(message);
  reported_ms = millis();
}

int8_t remember(const char *id, State state) {
  // the oldest gives way, but never the command that runs
  do newest = (newest + 1) % REMEMBERED; while (newest == running);
  strlcpy(commands[newest].id, id, ID_LENGTH);
  commands[newest].state = state;
  commands[newest].message = "";
  begun++;
  return newest;
}

void end(State state) {
  if (running < 0) return;
  int8_t index = running;
  running = -1;
  commands[index].state = state;
  report(index);
}

int8_t find(const char *id) {
  for (uint8_t i = 0; i < REMEMBERED; i++)
    if (id[0] && strcmp(commands[i].id, id) == 0) return i;
  return -1;
}

// Called where bytes arrive, before anything is understood.
void emergencyStop() {
  motionHalt();
  latched = true;
  held = false;
  length = 0;
  overlong = false;
  sayEvent("estop");
  end(STOPPED);
}

void run(const char *id, JsonDocument &request) {
  int8_t known = find(id);
  if (known >= 0 && commands[known].state == REFUSED)
    return sayRefused(id, "refused", "the host was told that it never began");
  if (known >= 0) return report(known);  // it does not move again
  if (strcmp(request["boot"] | "", boot) != 0)
    return sayRefused(id, "rebooted", "the device has started anew meanwhile");
  if (latched) return sayRefused(id, "estop", "the device is in emergency stop");
  if (running >= 0) return sayRefused(id, "busy", "another command runs");
  running = remember(id, RUNNING);
  Remembered &command = commands[running];
  if (strcmp(request["cmd"] | "", "MOVE") != 0) {
    command.message = "it knows only MOVE";
    return end(FAILED);
  }
  if (!motionBegin(request["params"])) {
    command.message = "MOVE needs a number x";
    return end(FAILED);
  }
  report(running);
}

void serve(JsonDocument &request) {
  const char *id = request["id"] | "";
  const char *op = request["op"] | "";
  if (!id[0] || strlen(id) >= ID_LENGTH) return;
  if (strcmp(op, "run") == 0) return run(id, request);
  if (strcmp(op, "look") == 0) {
    int8_t known = find(id);
    if (known >= 0) return report(known);
    JsonDocument message;
    message["id"] = id;
    message["state"] = "unknown";
    return say(message);
  }
  // everything below may be asked twice: it is the same the second time
  JsonDocument answer;
  answer["id"] = id;
  JsonObject ok = answer["ok"].to<JsonObject>();
  if (strcmp(op, "hello") == 0) {
    ok["protocol"] = 1;
    ok["boot"] = boot;
    ok["name"] = "one axis";
    ok["firmware"] = "1";
    ok["max_line"] = MAX_LINE;
    ok["crc"] = true;
    ok["beat_s"] = BEAT_MS / 1000.0;
    ok["remembers"] = REMEMBERED;
    ok["newest"] = 2;
    ok["memory"] = boot;
    ok["begun"] = begun;
    ok["can"]["hold"] = true;
    ok["can"]["position_survives_stop"] = true;
    ok["can"]["query_while_busy"] = true;
  } else if (strcmp(op, "status") == 0) {
    ok["boot"] = boot;
    if (running >= 0) ok["running"] = commands[running].id;
    ok["held"] = held;
    ok["estop"] = latched;
    ok["position_known"] = positionKnown;
    ok["details"]["x_mm"] = position_mm;
    const char *asked = request["run"] | "";
    if (asked[0] && strlen(asked) < ID_LENGTH) {
      int8_t known = find(asked);
      if (known < 0) known = remember(asked, REFUSED);
      ok["memory"] = boot;
      ok["begun"] = begun;
      describe(known, ok["run"].to<JsonObject>());
    }
  } else if (strcmp(op, "hold") == 0) {
    held = running >= 0;
  } else if (strcmp(op, "resume") == 0) {
    held = false;
    moved_ms = millis();
  } else if (strcmp(op, "stop") == 0) {
    held = false;
    end(STOPPED);
  } else if (strcmp(op, "reset") == 0) {
    latched = false;
  } else {
    return sayError(id, "unknown_command", "it does not know this");
  }
  say(answer);
}

void takeLine() {
  // the checksum: # and four digits behind the object
  if (length < 7 || line[length - 5] != '#') return;
  char told[5];
  memcpy(told, line + length - 4, 4);
  told[4] = 0;
  size_t count = length - 5;
  if ((uint16_t)strtoul(told, nullptr, 16) != checksum(line, count)) return;
  JsonDocument request;
  if (deserializeJson(request, line, count)) return;
  serve(request);
}

void listen() {
  while (Serial.available()) {
    uint8_t byte = Serial.read();
    if (byte == STOP_BYTE) {
      emergencyStop();
    } else if (byte == '\n') {
      if (!overlong) takeLine();
      length = 0;
      overlong = false;
    } else if (byte != '\r') {
      if (length < MAX_LINE) line[length++] = byte;
      else overlong = true;
    }
  }
}

void setup() {
  Serial.begin(115200);
  // noise of an open pin: different at each start; take a better source if the board has one
  uint32_t noise = micros();
  for (uint8_t i = 0; i < 64; i++) noise = noise * 33 ^ analogRead(A0) ^ micros();
  snprintf(boot, sizeof(boot), "%08lx", (unsigned long)noise);
  sayEvent("boot");
}

void loop() {
  listen();
  if (running >= 0 && !held && motionGoOn()) end(DONE);
  if (running >= 0 && millis() - reported_ms >= BEAT_MS) report(running);
}
