import type { ErrorTexts } from './catalogue.ts'

export const errorsFr: ErrorTexts = {
  INVALID_REQUEST: {
    sentence: 'La requête n’est pas valide.',
    next: 'Corrigez le champ indiqué ci-dessus, puis recommencez.',
  },
  LIMIT_EXCEEDED: {
    sentence: 'L’entrée dépasse la taille que cette opération accepte.',
    next: 'Divisez l’entrée, ou traitez-la par lots dans les limites de la référence.',
  },
  BUSY: {
    sentence: 'Trop de travaux coûteux attendent déjà.',
    next: 'Attendez un instant, puis réessayez.',
  },
  NOT_FOUND: {
    sentence: 'Il n’y a rien à cette adresse.',
    next: 'Comparez le chemin et la méthode avec /openapi.json.',
  },
  UNAUTHENTICATED: {
    sentence: 'Il faut un jeton valide.',
    next: 'Indiquez un jeton ni expiré ni révoqué avec COFFRE_TOKEN_FILE ou COFFRE_TOKEN.',
  },
  FORBIDDEN: {
    sentence: 'Ce jeton n’autorise pas cette opération.',
    next: 'Utilisez un jeton dont le rôle et les politiques la permettent ; `coffre policy test` dit quelle règle décide.',
  },
  TOKEN_NOT_FOUND: {
    sentence: 'Ce jeton n’existe pas.',
    next: 'Affichez les jetons avec `coffre token list`.',
  },
  POLICY_NOT_FOUND: {
    sentence: 'Cette politique n’existe pas.',
    next: 'Affichez les politiques avec `coffre policy list`.',
  },
  POLICY_EXISTS: {
    sentence: 'Une politique porte déjà ce nom.',
    next: 'Choisissez un autre nom, ou modifiez-la avec `coffre policy update`.',
  },
  RATE_LIMITED: {
    sentence: 'Trop d’essais ont échoué ; aucun autre n’est accepté pour le moment.',
    next: 'Attendez le nombre de secondes indiqué, puis réessayez avec le bon secret.',
  },
  LOGIN_ROLE_NOT_FOUND: {
    sentence: 'Ce rôle de connexion n’existe pas.',
    next: 'Affichez les rôles de connexion avec `coffre login-role list`.',
  },
  LOGIN_ROLE_EXISTS: {
    sentence: 'Un rôle de connexion de ce nom existe déjà.',
    next: 'Choisissez un autre nom, ou supprimez le rôle existant.',
  },
  USER_NOT_FOUND: {
    sentence: 'Cet utilisateur n’existe pas.',
    next: 'Affichez les utilisateurs avec `coffre user list`, ou créez-en un avec `coffre user create`.',
  },
  USER_EXISTS: {
    sentence: 'Un utilisateur porte déjà cet identifiant client.',
    next: 'Choisissez un autre identifiant, ou donnez un nouveau secret à l’utilisateur existant avec `coffre user rotate-secret`.',
  },
  API_KEY_REFUSED: {
    sentence: 'Ce ne peut pas être une clé de fournisseur.',
    next: 'Recopiez la clé entière chez le fournisseur, sans saut de ligne, et envoyez-la dans `api_key`.',
  },
  API_KEY_REQUIRED: {
    sentence: 'Aucune clé de fournisseur n’est enregistrée pour cet utilisateur.',
    next: 'Enregistrez-en une avec `PATCH /users/me/api-key` ou `coffre apikey set`.',
  },
  API_KEY_UNREADABLE: {
    sentence: 'La clé de fournisseur enregistrée ne s’ouvre pas.',
    next: 'Enregistrez-la de nouveau avec `PATCH /users/me/api-key` ou `coffre apikey set` ; le journal d’audit dit ce qui ne va pas avec l’ancienne.',
  },
  KEY_NOT_FOUND: {
    sentence: 'Cette clé n’existe pas.',
    next: 'Affichez les clés avec `coffre key list`, ou créez-la avec `coffre key create`.',
  },
  KEY_EXISTS: {
    sentence: 'Une clé porte déjà ce nom.',
    next: 'Choisissez un autre nom, ou faites tourner la clé existante.',
  },
  KEY_VERSION_NOT_FOUND: {
    sentence: 'La clé n’a pas cette version.',
    next: 'Affichez ses versions avec `coffre key show`.',
  },
  KEY_VERSION_UNUSABLE: {
    sentence: 'L’état de cette version de la clé ne permet pas l’opération.',
    next: 'Affichez la clé ; réactivez-la, revenez en arrière, faites-la tourner ou abaissez son plancher.',
  },
  KEY_VERSION_EXHAUSTED: {
    sentence: 'Cette version de la clé a atteint sa limite d’utilisations.',
    next: 'Faites tourner la clé ; les anciennes données restent lisibles.',
  },
  KEY_VERSION_NEEDED: {
    sentence: 'Des données ont peut-être encore besoin de cette version de la clé.',
    next: 'Rechiffrez les données vers la version courante, relevez le plancher au-dessus, puis détruisez-la.',
  },
  KEY_SUSPENDED: {
    sentence: 'La clé est suspendue.',
    next: 'Levez la suspension avec `coffre key resume`.',
  },
  KEY_PENDING_DESTRUCTION: {
    sentence: 'La destruction de la clé est programmée.',
    next: 'Annulez-la avec `coffre key cancel-destroy` tant que le délai court.',
  },
  KEY_REFUSED: {
    sentence: 'Ce matériel de clé est trop faible ou mal formé.',
    next: 'Utilisez une clé conforme à la règle indiquée ci-dessus.',
  },
  SECRET_FILE_REFUSED: {
    sentence:
      'Un fichier de secrets n’est pas dans l’état qu’il faut pour être lu ou modifié sans danger ; rien n’a été modifié.',
    next: 'Corrigez ce qui est indiqué ci-dessus et relancez.',
  },
  SECRET_FILE_BUSY: {
    sentence: 'Une autre exécution modifie les fichiers de secrets de ce projet.',
    next: 'Attendez qu’elle se termine, puis réessayez.',
  },
  SECRET_KEY_EXISTS: {
    sentence: 'Ces fichiers contiennent déjà une clé.',
    next: 'Renouvelez-la par `coffre secret-key rotate`, ou remplacez-la tout de suite avec --force.',
  },
  SECRET_KEY_ROLLED_BACK: {
    sentence: 'L’application n’a pas démarré avec la nouvelle clé ; chaque fichier est donc comme avant.',
    next: 'Cherchez pourquoi le redémarrage ou la sonde a échoué, puis renouvelez de nouveau.',
  },
  SECRET_BACKUP_NOT_FOUND: {
    sentence: 'Il n’y a pas de sauvegarde d’une telle clé.',
    next: 'Listez les sauvegardes par `coffre secret-key recover`.',
  },
  BACKUP_SCHEDULE_NOT_FOUND: {
    sentence: 'Aucune sauvegarde de ce nom n’est planifiée ici.',
    next: '`coffre backup status` les liste ; COFFRE_BACKUP_SCHEDULE nomme le fichier qui les déclare.',
  },
  BACKUP_RUN_NOT_FOUND: {
    sentence: 'Cette exécution n’existe pas.',
    next: '`coffre backup runs` liste celles qui sont gardées.',
  },
  BACKUP_RUN_UNDER_WAY: {
    sentence: 'Une exécution de cette sauvegarde est déjà en cours.',
    next: 'Attendez sa fin ; `coffre backup status` la montre.',
  },
  BACKUP_MISSED: {
    sentence: 'Une sauvegarde planifiée n’a pas été faite : personne n’était là pour la faire à temps.',
    next: 'Cherchez pourquoi le serveur était arrêté ou scellé, et faites-en une avec `coffre backup run`.',
  },
  BACKUP_INTERRUPTED: {
    sentence: 'La sauvegarde a été interrompue : son serveur a été arrêté.',
    next: 'Refaites-la avec `coffre backup run`. Ce qui en a été écrit n’est pas une sauvegarde.',
  },
  BACKUP_SOURCE_FAILED: {
    sentence:
      'Ce qui doit être sauvegardé n’a pas pu être lu en entier ; il n’y en a donc pas de sauvegarde.',
    next: 'Corrigez ce qui est indiqué ci-dessus, puis refaites la sauvegarde.',
  },
  BACKUP_CONTENT_REFUSED: {
    sentence:
      'Cette sauvegarde contient quelque chose qui ne peut pas être restauré ; la destination est inchangée.',
    next: 'Cherchez qui l’a faite ; prenez une sauvegarde plus ancienne, ou l’option indiquée ci-dessus.',
  },
  RESTORE_REFUSED: {
    sentence: 'La restauration a été refusée avant tout changement.',
    next: 'Corrigez ce qui est indiqué ci-dessus, ou restaurez à un autre endroit.',
  },
  RESTORE_FAILED: {
    sentence: 'La restauration n’a pas pu aboutir ; la destination est inchangée.',
    next: 'Corrigez ce qui est indiqué ci-dessus, puis restaurez de nouveau.',
  },
  MOVE_REFUSED: {
    sentence: 'L’état actuel de la clé ne permet pas ce changement.',
    next: 'Affichez la clé ; la table du cycle de vie est dans docs/design/lifecycle.md.',
  },
  PURPOSE_MISMATCH: {
    sentence: 'La clé a été créée pour un autre usage.',
    next: 'Utilisez une clé dont l’usage convient à l’opération.',
  },
  ALGORITHM_UNSUPPORTED: {
    sentence: 'L’algorithme est inconnu, ou ne convient pas à cet usage.',
    next: 'Consultez les algorithmes et les usages avec `coffre key create --help`.',
  },
  PARAMETERS_REFUSED: {
    sentence: 'Les paramètres de dérivation sortent des bornes permises.',
    next: 'Restez dans les bornes indiquées ci-dessus.',
  },
  DECRYPTION_FAILED: {
    sentence: 'Le texte chiffré n’a pas pu être déchiffré.',
    next: 'Vérifiez la clé, le contexte et que le texte chiffré est complet ; `coffre inspect` dit ce qu’il est.',
  },
  SIGNATURE_INVALID: {
    sentence: 'La signature ou le MAC n’est pas valide pour ce message.',
    next: 'Vérifiez le message, la clé et la version.',
  },
  METHOD_NOT_ALLOWED: {
    sentence: 'Cette adresse n’accepte pas cette méthode.',
    next: 'Utilisez une méthode de l’en-tête `Allow` ; /openapi.json donne toutes les routes.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    sentence: 'Cette adresse n’accepte pas un corps de ce type.',
    next: 'Envoyez le `Content-Type` qui est nommé ici.',
  },
  HEADERS_TOO_LARGE: {
    sentence: 'L’en-tête de la requête dépasse 16 Kio.',
    next: 'Envoyez moins d’en-têtes, ou de plus courts, et une adresse plus courte.',
  },
  REQUEST_TIMEOUT: {
    sentence: 'La requête n’est pas arrivée à temps.',
    next: 'Renvoyez-la sur une connexion plus rapide, ou en parties plus petites.',
  },
  NOT_EXPORTABLE: {
    sentence: 'Cette clé n’est pas destinée à être exportée.',
    next: 'Créez ou importez une clé avec `--exportable` ; on ne peut pas l’ajouter après coup.',
  },
  IMPORT_TOKEN_INVALID: {
    sentence: 'Le jeton d’import n’est pas valide, a servi, ou a expiré.',
    next: 'Demandez-en un autre avec `coffre key import-params` et emballez de nouveau la clé.',
  },
  TOO_MANY_STREAMS: {
    sentence: 'Il y a déjà autant de flux en cours que permis.',
    next: 'Attendez que l’un se termine et réessayez, ou augmentez COFFRE_MAX_STREAMS.',
  },
  STREAM_INCOMPLETE: {
    sentence: 'Le flux s’est terminé avant d’être complet.',
    next: 'Jetez ce qui est arrivé ; l’enregistrement d’audit de cette requête dit pourquoi il s’est terminé.',
  },
  CONFLICT: {
    sentence: 'Quelqu’un d’autre a modifié cela au même moment.',
    next: 'Relisez l’état actuel et recommencez la modification.',
  },
  SEALED: {
    sentence: 'Coffre est scellé : la clé racine n’est pas en mémoire.',
    next: 'Descellez-le avec `coffre unseal`.',
  },
  PASSPHRASE_WRONG: {
    sentence: 'La phrase secrète ou la clé de scellement n’est pas celle qui a scellé ces données.',
    next: 'Essayez la bonne ; le scellé enregistré est intact.',
  },
  SEAL_DAMAGED: {
    sentence: 'Le scellé enregistré est endommagé.',
    next: 'Restaurez le dossier de données depuis une sauvegarde ; la phrase secrète n’est pas en cause.',
  },
  SEAL_KEY_MISSING: {
    sentence: 'La clé de scellement est absente ou illisible.',
    next: 'Remettez le fichier de clé en place (COFFRE_SEAL_KEY_PATH), définissez la variable, ou donnez la phrase secrète (COFFRE_PASSPHRASE_FILE).',
  },
  SHARE_INVALID: {
    sentence: 'Cette part ou clé de scellement n’est pas complète : quelque chose y est mal tapé ou manque.',
    next: 'Comparez-la à sa feuille, lettre par lettre, et redonnez-la. Rien n’a été compté.',
  },
  SHARE_FOREIGN: {
    sentence: 'Cette part n’appartient pas au scellement en place.',
    next: 'Prenez une feuille imprimée pour ce Coffre lors du dernier changement de parts.',
  },
  SHARE_REPEATED: {
    sentence: 'Cette part a déjà été donnée.',
    next: 'Donnez-en une autre ; chacune compte une fois.',
  },
  CEREMONY_UNDER_WAY: {
    sentence: 'Une autre cérémonie est en cours.',
    next: 'Laissez-la finir ou expirer, faites-la annuler par qui l’a commencée, ou prenez sa place avec assez de parts : `coffre operator ceremony take-over`.',
  },
  CEREMONY_NOT_FOUND: {
    sentence: 'Cette cérémonie n’existe pas, ou n’en est pas là.',
    next: 'Regardez `coffre operator ceremony show`, et recommencez.',
  },
  NOT_INITIALISED: {
    sentence: 'Il n’y a pas encore de Coffre ici.',
    next: 'Créez-en un avec `coffre init`.',
  },
  ALREADY_INITIALISED: {
    sentence: 'Il y a déjà un Coffre ici.',
    next: 'Utilisez-le, ou choisissez un autre dossier de données.',
  },
  STORE_MOVED: {
    sentence: 'Ce stockage a été déplacé vers une base de données et reste fermé.',
    next: 'Donnez à COFFRE_DATABASE_URL la base nommée ici ; gardez le dossier jusqu’à ce qu’elle soit sauvegardée.',
  },
  STORE_INCOMPLETE: {
    sentence: 'Un stockage est en cours de déplacement vers cette base, et seule une partie s’y trouve.',
    next: 'Relancez `coffre store migrate-to` depuis le dossier de données ; la commande reprend où elle s’est arrêtée.',
  },
  STORE_IN_USE: {
    sentence: 'Un autre processus tient ce dossier de données.',
    next: 'Adressez-vous à ce serveur avec COFFRE_ADDR et COFFRE_TOKEN, ou arrêtez-le d’abord.',
  },
  STORE_UNAVAILABLE: {
    sentence: 'Le stockage n’a pas répondu.',
    next: 'Vérifiez l’espace disque, les droits et la base de données, puis réessayez.',
  },
  STORE_DAMAGED: {
    sentence: 'Un enregistrement stocké ne s’ouvre pas sous son propre nom.',
    next: 'Cessez d’écrire, gardez une copie et restaurez une sauvegarde.',
  },
  AUDIT_UNAVAILABLE: {
    sentence: 'Le journal d’audit n’a pas pu enregistrer l’opération ; elle n’a donc pas eu lieu.',
    next: 'Vérifiez l’espace disque et la base de données, puis réessayez.',
  },
  AUDIT_DAMAGED: {
    sentence: 'Le journal d’audit ne se vérifie pas.',
    next: 'Gardez une copie des données ; `coffre audit log verify` nomme le premier enregistrement fautif.',
  },
  PROOF_INVALID: {
    sentence: 'La preuve ne mène pas à l’empreinte racine de son point de contrôle.',
    next: 'Redemandez-la ; si cela persiste, gardez les deux : elles montrent que le journal ou la preuve a été modifié.',
  },
  AUDIT_ROLLED_BACK: {
    sentence:
      'Le journal d’audit est plus court que son point de contrôle hors de la base : des entrées manquent à la fin.',
    next: 'Remettez la base plus récente ; après une restauration voulue, acceptez-la par `coffre audit accept-restore`.',
  },
  AUDIT_FORKED: {
    sentence: 'Le journal d’audit n’est pas celui que dit son point de contrôle hors de la base.',
    next: 'Vérifiez COFFRE_CHECKPOINT_FILE et qui a modifié la base ; acceptez une restauration voulue par `coffre audit accept-restore`.',
  },
  CACHE_MISS: {
    sentence: 'Le cache n’a pas cette entrée, ou elle a expiré.',
    next: 'Relisez la valeur à sa source et enregistrez-la de nouveau.',
  },
  CACHE_KEY_WRONG: {
    sentence: 'Cette entrée du cache a été écrite avec une autre clé.',
    next: 'Prenez le secret de l’utilisateur qui l’a écrite ; après un changement de secret, lancez `coffre cache rekey`.',
  },
  CACHE_CONFLICT: {
    sentence: 'Le cache contient sous ce nom une entrée d’une autre clé.',
    next: 'Prenez la forme qui a un espace par utilisateur, ou supprimez d’abord l’entrée.',
  },
  CACHE_NOT_JSON: {
    sentence: 'Cette entrée du cache est authentique et ne contient pas de JSON.',
    next: 'Enregistrez-la de nouveau en JSON, ou supprimez-la ; NaN et Infinity de Python ne sont pas du JSON non plus.',
  },
  CACHE_TAMPERED: {
    sentence: 'Cette entrée du cache a été modifiée par quelqu’un d’autre.',
    next: 'Cherchez qui écrit sur le serveur de cache ; enregistrez de nouveau l’entrée depuis sa source.',
  },
  CACHE_UNAVAILABLE: {
    sentence: 'Le serveur de cache n’a pas répondu.',
    next: 'Vérifiez COFFRE_CACHE_URL, le serveur et sa mémoire ; d’ici là, toute lecture est une absence.',
  },
  BACKUP_NOT_FOUND: {
    sentence: 'Cette sauvegarde n’existe pas.',
    next: '`coffre backup list` montre ce que contient la destination.',
  },
  BACKUP_DIFFERS: {
    sentence: 'Ce qu’un exercice a restauré n’est pas ce que sa sauvegarde avait relevé.',
    next: '`coffre backup drill` liste les tables qui diffèrent. Gardez les sauvegardes précédentes jusqu’à un exercice réussi.',
  },
  BACKUP_DAMAGED: {
    sentence: 'Cette sauvegarde est incomplète ou a été modifiée.',
    next: 'Restaurez-en une autre ; `coffre backup verify` dit lesquelles sont entières. Rien n’a été restauré.',
  },
  BACKUP_UNTRUSTED: {
    sentence: 'Aucun signataire de confiance n’a signé cette sauvegarde.',
    next: 'Indiquez son signataire avec `--signer` (il figure sur la fiche de secours), ou cherchez qui peut écrire à cet endroit.',
  },
  BACKUP_ROLLED_BACK: {
    sentence: 'La destination contient un état de cette série plus ancien que celui déjà vu.',
    next: 'Cherchez qui l’a remis ; avec `--accept-older`, l’état ancien fait foi désormais.',
  },
  BACKUP_KEY_MISSING: {
    sentence: 'Rien de ce qui a été donné n’ouvre cette sauvegarde.',
    next: 'Donnez l’un de ceux que liste `coffre backup inspect` : le Coffre qui a cette clé, la phrase secrète ou la clé de secours.',
  },
  OBJECT_NOT_FOUND: {
    sentence: 'Il n’y a pas d’objet de ce nom dans le dépôt d’objets.',
    next: 'Vérifiez le nom et le préfixe du dépôt d’objets.',
  },
  OBJECT_EXISTS: {
    sentence: 'Un objet de ce nom existe déjà ; il est resté tel quel.',
    next: 'Choisissez un autre nom, ou supprimez d’abord cet objet.',
  },
  OBJECT_CHANGED: {
    sentence: 'L’objet a été remplacé ou modifié par quelqu’un d’autre entre-temps.',
    next: 'Recommencez avec l’objet tel qu’il est maintenant ; cherchez qui d’autre y écrit.',
  },
  OBJECT_LOCKED: {
    sentence: 'L’objet est sous rétention ou conservation légale : il ne peut être ni remplacé ni supprimé.',
    next: 'Attendez la fin de la rétention, ou choisissez un autre nom.',
  },
  BUCKET_NOT_FOUND: {
    sentence: 'Il n’y a pas de tel bucket ou dossier.',
    next: 'Créez-le, ou corrigez son nom, l’adresse du serveur et la région.',
  },
  OBJECT_STORE_REFUSED: {
    sentence: 'Le dépôt d’objets a refusé l’accès.',
    next: 'Vérifiez la clé d’accès et son secret, la région, l’horloge de cette machine, et ce que permettent la politique ou les droits.',
  },
  OBJECT_STORE_UNAVAILABLE: {
    sentence: 'Le dépôt d’objets n’a pas fait son travail.',
    next: 'Vérifiez son adresse, le réseau et son espace libre, puis réessayez ; rien d’écrit à moitié ne compte.',
  },
  SELF_TEST_FAILED: {
    sentence: 'Un autotest cryptographique a échoué ; rien n’a donc démarré.',
    next: 'N’utilisez pas cette machine ou cette version ; `coffre selftest` nomme le test.',
  },
  CONFIG_REFUSED: {
    sentence: 'La configuration n’est pas acceptable.',
    next: 'Corrigez chaque réglage indiqué ci-dessus.',
  },
  CSRF_REFUSED: {
    sentence: 'Cette requête vient peut-être d’une page d’un autre site.',
    next: 'Envoyez-la depuis une page de l’application, en JSON, avec la valeur du cookie `csrf` dans `X-CSRF-Token`.',
  },
  SECRET_KEY_MISSING: {
    sentence: 'SECRET_KEY non configurée',
    next: 'Définissez SECRET_KEY, ou donnez le fichier qui la contient (SECRET_KEY_FILE).',
  },
  SERVER_UNREACHABLE: {
    sentence: 'Le serveur n’a pas répondu.',
    next: 'Vérifiez COFFRE_ADDR et que `coffre serve` tourne.',
  },
  INTERNAL: {
    sentence: 'Une erreur inattendue s’est produite dans Coffre.',
    next: 'Signalez-la avec l’identifiant de la requête ; sa ligne de journal ne contient rien de secret.',
  },
}
