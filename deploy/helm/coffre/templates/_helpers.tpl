{{- define "coffre.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "coffre.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "coffre.labels" -}}
{{ include "coffre.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "coffre.scheme" -}}
{{- if .Values.tls.terminatedElsewhere }}HTTP{{ else }}HTTPS{{ end }}
{{- end }}

{{- define "coffre.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- /* The pod, the same for both stores. */ -}}
{{- define "coffre.pod" -}}
metadata:
  labels:
    {{- include "coffre.labels" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "coffre.name" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  # Stopping finishes what is under way; a body has 30 seconds to arrive, and a longer stream is cut.
  terminationGracePeriodSeconds: 45
  securityContext:
    runAsNonRoot: true
    runAsUser: 8250
    runAsGroup: 8250
    fsGroup: 8250
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: coffre
      image: {{ include "coffre.image" . }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        privileged: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        - name: COFFRE_HOST
          value: 0.0.0.0
        - name: COFFRE_PORT
          value: '8250'
        - name: COFFRE_LOG_LEVEL
          value: {{ .Values.logLevel | quote }}
        # A folder of its own below the mount, whose own mode belongs to Kubernetes.
        - name: COFFRE_DATA_DIR
          value: /var/lib/coffre/data
        - name: COFFRE_SEAL
          value: environment
        - name: COFFRE_SEAL_KEY_FILE
          value: /run/secrets/coffre-seal/seal-key
        {{- if eq .Values.store "postgres" }}
        - name: COFFRE_DATABASE_URL_FILE
          value: /run/secrets/coffre-database/{{ .Values.postgres.key }}
        {{- end }}
        {{- if .Values.tls.terminatedElsewhere }}
        - name: COFFRE_ALLOW_REMOTE
          value: '1'
        {{- else }}
        - name: COFFRE_TLS_CERT
          value: /run/secrets/coffre-tls/tls.crt
        - name: COFFRE_TLS_KEY
          value: /run/secrets/coffre-tls/tls.key
        - name: COFFRE_TLS_MIN
          value: {{ .Values.tls.minimumVersion | quote }}
        # For commands inside of the pod; they check the certificate, which then has the address 127.0.0.1 in it.
        - name: COFFRE_ADDR
          value: https://127.0.0.1:8250
        {{- end }}
      ports:
        - name: api
          containerPort: 8250
      # Sealed is alive: a restart would not unseal it.
      livenessProbe:
        httpGet:
          path: /livez
          port: api
          scheme: {{ include "coffre.scheme" . }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /readyz
          port: api
          scheme: {{ include "coffre.scheme" . }}
        periodSeconds: 5
        timeoutSeconds: 5
        failureThreshold: 2
      startupProbe:
        httpGet:
          path: /livez
          port: api
          scheme: {{ include "coffre.scheme" . }}
        periodSeconds: 2
        failureThreshold: 60
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /var/lib/coffre
        - name: tmp
          mountPath: /tmp
        - name: seal
          mountPath: /run/secrets/coffre-seal
          readOnly: true
        {{- if eq .Values.store "postgres" }}
        - name: database
          mountPath: /run/secrets/coffre-database
          readOnly: true
        {{- end }}
        {{- if not .Values.tls.terminatedElsewhere }}
        - name: tls
          mountPath: /run/secrets/coffre-tls
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        medium: Memory
        sizeLimit: 64Mi
    - name: seal
      secret:
        secretName: {{ .Values.seal.existingSecret | quote }}
        defaultMode: 0440
        items:
          - key: {{ .Values.seal.key | quote }}
            path: seal-key
    {{- if eq .Values.store "postgres" }}
    # Holds the first token of a new Coffre, and nothing that must last.
    - name: data
      emptyDir: {}
    - name: database
      secret:
        secretName: {{ .Values.postgres.existingSecret | quote }}
        defaultMode: 0440
    {{- end }}
    {{- if not .Values.tls.terminatedElsewhere }}
    - name: tls
      secret:
        secretName: {{ required "tls.existingSecret, or tls.terminatedElsewhere: true" .Values.tls.existingSecret | quote }}
        defaultMode: 0440
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "coffre.selector" . | nindent 10 }}
{{- end }}
