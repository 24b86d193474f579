import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Reads a JSON list of texts and writes what Gson, lenient as FlinkX uses it, makes of each. */
public class GsonCases {
  public static void main(String[] args) throws Exception {
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    JsonArray results = new JsonArray();
    for (JsonElement text : JsonParser.parseString(input).getAsJsonArray()) {
      JsonObject result = new JsonObject();
      result.addProperty("text", text.getAsString());
      try {
        JsonReader reader = new JsonReader(new StringReader(text.getAsString()));
        reader.setStrictness(Strictness.LENIENT);
        JsonElement value = JsonParser.parseReader(reader);
        if (reader.peek() != JsonToken.END_DOCUMENT) throw new IllegalStateException("trailing text");
        result.add("value", value);
      } catch (Exception | StackOverflowError e) {
        result.addProperty("rejected", true);
      }
      results.add(result);
    }
    System.out.println(new GsonBuilder().setPrettyPrinting().serializeNulls().disableHtmlEscaping().create().toJson(results));
  }
}
